#include <cstddef>
#include <cstdint>
#include <span>

#include "io/gguf/parser.h"
#include "patina/error.h"
#include "train/checkpoint.h"

// The checksum is put right, so that what lies behind it is reached.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  float sum = 0;
  try {
    auto file = patina::io::parse_gguf(std::as_bytes(std::span(data, size)), "input");
    file.metadata.set("checkpoint.checksum", patina::train::checkpoint_checksum(file.metadata, file.tensors),
                      patina::io::MetaType::kU64);
    const auto checkpoint = patina::train::parse_checkpoint(file.metadata, file.tensors, "input");
    for (const auto& parameter : checkpoint.parameters) {
      for (const float number : parameter.value) sum += number;  // finds views that lie outside
      for (const auto& array : parameter.arrays) {
        for (const std::byte byte : array.bytes) sum += std::to_integer<float>(byte);
      }
    }
    patina::train::require_same_run(checkpoint, checkpoint, "input");
  } catch (const patina::Error&) {
    return 0;
  }
  volatile float kept = sum;
  static_cast<void>(kept);
  return 0;
}
