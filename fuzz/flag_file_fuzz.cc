#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apps/flag_file.h"
#include "patina/error.h"

// What is read and written again reads the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto flags =
        patina::apps::parse_flag_file(std::string_view(reinterpret_cast<const char*>(data), size), "input");
    for (const patina::apps::FileFlag& flag : flags) {
      if (flag.values.empty() || flag.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string::npos)
        continue;
      const auto again = patina::apps::parse_flag_file(patina::apps::write_flag_file({flag}), "written");
      if (again.size() != 1 || again[0].values != flag.values) __builtin_trap();
    }
  } catch (const patina::Error&) {
    return 0;
  }
  return 0;
}
