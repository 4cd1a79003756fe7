#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

// Rows of a key-value cache in ggml's Q8_0: blocks of 32 numbers as an f16 scale and 32 signed bytes. Plain loops that
// the compiler vectorizes with the including translation unit's flags; the same bytes at every level.
namespace patina::kernels {
namespace {

constexpr int kQ8Block = 32;
constexpr int kQ8BlockBytes = 34;

void f32_to_q8_0(const float* x, std::byte* out, int64_t n) {
  for (; n > 0; n -= kQ8Block, x += kQ8Block, out += kQ8BlockBytes) {
    int32_t largest = 0;  // as bits: magnitudes of floats order like integers, and a NaN is the largest
    for (int i = 0; i < kQ8Block; ++i) {
      const int32_t bits = __builtin_bit_cast(int32_t, x[i]) & 0x7FFFFFFF;
      largest = bits > largest ? bits : largest;
    }
    const float d = __builtin_bit_cast(float, largest) / 127.0F;
    const float inverse = d >= __FLT_MIN__ ? 1.0F / d : 0.0F;  // below, the reciprocal would overflow
    const f16 scale = to_f16(d);
    std::memcpy(out, &scale, sizeof(scale));
    int8_t codes[kQ8Block];
    for (int i = 0; i < kQ8Block; ++i) {
      // Adding 1.5 * 2^23 rounds to the nearest even integer, left in the low bits of the sum.
      const float shifted = x[i] * inverse + 12582912.0F;
      codes[i] = static_cast<int8_t>(__builtin_bit_cast(int32_t, shifted) - 0x4B400000);
    }
    std::memcpy(out + sizeof(scale), codes, sizeof(codes));
  }
}

void q8_0_to_f32(const std::byte* x, float* out, int64_t n) {
  for (; n > 0; n -= kQ8Block, x += kQ8BlockBytes, out += kQ8Block) {
    f16 scale;
    std::memcpy(&scale, x, sizeof(scale));
    const float d = to_f32(scale);
    int8_t codes[kQ8Block];
    std::memcpy(codes, x + sizeof(scale), sizeof(codes));
    for (int i = 0; i < kQ8Block; ++i) out[i] = d * static_cast<float>(codes[i]);
  }
}

}  // namespace
}  // namespace patina::kernels
