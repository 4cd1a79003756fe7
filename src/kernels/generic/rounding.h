#pragma once

#include <cstdint>

// Numbers to integers, in plain loops that the compiler vectorizes with the including translation unit's flags; the
// same at every level (built with -ffp-contract=off).
namespace patina::kernels {
namespace {

// The nearest integer (of two the even one) to a number below 2^22: adding 1.5 * 2^23 leaves it in the sum's low bits.
[[gnu::always_inline]] inline int32_t nearest(float x) {
  return __builtin_bit_cast(int32_t, x + 12582912.0F) - 0x4B400000;
}

// How 32 numbers become signed bytes: q = nearest(x * inverse), x about d q.
struct ByteScale {
  float d;        // max|x| / 127, or 0 where its reciprocal would overflow
  float inverse;  // 1 / d, or 0
};

[[gnu::always_inline]] inline ByteScale byte_scale(const float* x) {
  int32_t largest = 0;  // as bits: magnitudes of floats order like integers, and a NaN is the largest
  for (int i = 0; i < 32; ++i) {
    const int32_t bits = __builtin_bit_cast(int32_t, x[i]) & 0x7FFFFFFF;
    largest = bits > largest ? bits : largest;
  }
  const float d = __builtin_bit_cast(float, largest) / 127.0F;
  if (d < __FLT_MIN__) return {0.0F, 0.0F};
  return {d, 1.0F / d};
}

}  // namespace
}  // namespace patina::kernels
