#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "patina/error.h"
#include "train/data/training_text.h"

// The first byte chooses the encoding, the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto encoding = static_cast<patina::train::TextEncoding>(data[0] % 4);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const std::string text = patina::train::decode_text(bytes, encoding, "input");
    for (const patina::train::Row& row : patina::train::parse_training_text(text, "input").rows) {
      if (row.response.empty() || row.line == 0) std::abort();
    }
  } catch (const patina::Error&) {
    return 0;
  }
  return 0;
}
