#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "patina/error.h"
#include "rows.h"

// The first byte chooses the encoding, the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto encoding = static_cast<patina::train::TextEncoding>(data[0] % 4);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const std::optional<std::string> converted = patina::train::converted_to_utf8(bytes, encoding, "input");
    const std::string_view text = converted ? std::string_view(*converted) : bytes;
    patina::train::read_rows(*patina::train::recognise_rows(text), text);
  } catch (const patina::Error&) {
    return 0;
  }
  return 0;
}
