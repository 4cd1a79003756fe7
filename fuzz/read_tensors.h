#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/parsed_file.h"
#include "patina/error.h"

namespace patina::fuzz {

// Gives the input to `parse` and reads all bytes of the tensors, which finds views that lie outside.
template <typename Parse>
int read_tensors(const uint8_t* data, size_t size, const Parse& parse) {
  uint64_t sum = 0;
  try {
    const io::ParsedFile file = parse(std::as_bytes(std::span(data, size)));
    for (const io::TensorInfo& tensor : file.tensors) {
      for (const std::byte byte : tensor.data) sum += static_cast<uint64_t>(byte);
    }
  } catch (const Error&) {
    return 0;
  }
  volatile uint64_t kept = sum;
  static_cast<void>(kept);
  return 0;
}

}  // namespace patina::fuzz
