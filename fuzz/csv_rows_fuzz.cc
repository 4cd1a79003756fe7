#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rows.h"
#include "train/data/csv_rows.h"

// The first byte chooses a header, the rest is what stands below it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::array<std::string_view, 4> kHeaders = {"prompt,completion\n", "text\tid\r\n", "id;messages\n", ""};
  if (size == 0) return 0;
  std::string text(kHeaders[data[0] % kHeaders.size()]);
  text.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto rows = patina::train::CsvRows::recognise(text)) patina::train::read_rows(*rows, text);
  return 0;
}
