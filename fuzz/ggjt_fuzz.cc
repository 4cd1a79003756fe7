#include <cstddef>
#include <cstdint>
#include <span>

#include "io/ggml_legacy/parser.h"
#include "patina/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint64_t sum = 0;
  try {
    const auto file = patina::io::parse_ggjt(std::as_bytes(std::span(data, size)), "input");
    for (const patina::io::TensorInfo& tensor : file.tensors) {
      for (const std::byte byte : tensor.data) sum += static_cast<uint64_t>(byte);  // finds views that lie outside
    }
  } catch (const patina::Error&) {
    return 0;
  }
  volatile uint64_t kept = sum;
  static_cast<void>(kept);
  return 0;
}
