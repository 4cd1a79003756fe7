#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "kernels/generic/rounding.h"

// Rows of a key-value cache in ggml's Q8_0: blocks of 32 numbers as an f16 scale and 32 signed bytes. Plain loops that
// the compiler vectorizes with the including translation unit's flags; the same bytes at every level.
namespace patina::kernels {
namespace {

constexpr int kQ8Block = 32;
constexpr int kQ8BlockBytes = 34;

void f32_to_q8_0(const float* x, std::byte* out, int64_t n) {
  for (; n > 0; n -= kQ8Block, x += kQ8Block, out += kQ8BlockBytes) {
    const CodeScale scale = code_scale(largest_magnitude<32>(x), 127.0F);
    const f16 d = to_f16(scale.d);
    std::memcpy(out, &d, sizeof(d));
    int8_t codes[kQ8Block];
    for (int i = 0; i < kQ8Block; ++i) codes[i] = static_cast<int8_t>(nearest(x[i] * scale.inverse));
    std::memcpy(out + sizeof(d), codes, sizeof(codes));
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
