#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "kernels/generic/rounding.h"

// Rows of a key-value cache in ggml's Q8_0: blocks of 32 numbers as an f16 scale and 32 signed bytes. A plain loop that
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

}  // namespace
}  // namespace patina::kernels
