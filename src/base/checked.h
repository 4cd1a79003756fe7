#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace patina {

// Overflow-safe arithmetic for every size and offset that comes out of a file. Throws kInvalidData naming `what`.
inline uint64_t checked_add(uint64_t a, uint64_t b, std::string_view what) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) fail(ErrorKind::kInvalidData, "{} is too large; the file is corrupt", what);
  return sum;
}

inline uint64_t checked_mul(uint64_t a, uint64_t b, std::string_view what) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    fail(ErrorKind::kInvalidData, "{} is too large; the file is corrupt", what);
  }
  return product;
}

}  // namespace patina
