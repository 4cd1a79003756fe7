#include "io/ggla/parser.h"
#include "read_tensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return patina::fuzz::read_tensors(
      data, size, [](std::span<const std::byte> bytes) { return patina::io::parse_ggla(bytes, "input"); });
}
