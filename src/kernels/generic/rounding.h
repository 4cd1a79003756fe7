#pragma once

#include <cstdint>

// Numbers to integers, in plain loops that the compiler vectorizes with the including translation unit's flags; the
// same at every level (built with -ffp-contract=off).
namespace patina::kernels {
namespace {

// 1.5 * 2^23. With an integer below 2^22 added, to the number or to its bits, it is the same float.
constexpr float kIntegerBase = 12582912;
constexpr int32_t kIntegerBaseBits = __builtin_bit_cast(int32_t, kIntegerBase);

// The nearest integer (of two the even one) to a number below 2^22.
[[gnu::always_inline]] inline int32_t nearest(float x) {
  return __builtin_bit_cast(int32_t, x + kIntegerBase) - kIntegerBaseBits;
}

// The largest magnitude of kCount numbers as the bits of a float: those of magnitudes order like integers, and a NaN is
// the largest.
template <int kCount>
[[gnu::always_inline]] inline int32_t largest_magnitude(const float* x) {
  int32_t largest = 0;
  for (int i = 0; i < kCount; ++i) {
    const int32_t bits = __builtin_bit_cast(int32_t, x[i]) & 0x7FFFFFFF;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

// How numbers become signed integers up to `most`: q = nearest(x * inverse), x about d q.
struct CodeScale {
  float d;        // max|x| / most, or 0 where its reciprocal would overflow
  float inverse;  // 1 / d, or 0
};

// `largest` as largest_magnitude() gives it.
[[gnu::always_inline]] inline CodeScale code_scale(int32_t largest, float most) {
  const float d = __builtin_bit_cast(float, largest) / most;
  const float inverse = 1.0F / d;  // of zero too, so that loops over scales have no branch
  return d < __FLT_MIN__ ? CodeScale{0.0F, 0.0F} : CodeScale{d, inverse};
}

}  // namespace
}  // namespace patina::kernels
