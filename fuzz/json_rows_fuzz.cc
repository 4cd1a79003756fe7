#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rows.h"
#include "train/data/json_rows.h"

// The input is read as lines and as an array.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  patina::train::read_rows(patina::train::JsonLineRows(text), text);
  if (patina::train::JsonArrayRows::recognises(text)) {
    patina::train::read_rows(patina::train::JsonArrayRows(text), text);
  }
  return 0;
}
