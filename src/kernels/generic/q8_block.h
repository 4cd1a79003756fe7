#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "kernels/generic/rounding.h"

// Blocks of ggml's Q8_0: an f16 scale d = max|x| / 127 and 32 signed bytes round(x / d). A plain loop that the compiler
// vectorizes with the including translation unit's flags; the same bytes at every level.
namespace patina::kernels {
namespace {

constexpr int kQ8Block = 32;
constexpr int kQ8BlockBytes = 34;

inline void to_q8_block(const float* x, std::byte* out) {
  const CodeScale scale = code_scale(largest_magnitude<kQ8Block>(x), 127.0F);
  const f16 d = to_f16(scale.d);
  std::memcpy(out, &d, sizeof(d));
  int8_t codes[kQ8Block];
  for (int i = 0; i < kQ8Block; ++i) codes[i] = static_cast<int8_t>(nearest(x[i] * scale.inverse));
  std::memcpy(out + sizeof(d), codes, sizeof(codes));
}

}  // namespace
}  // namespace patina::kernels
