#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/rounding.h"

// Activations to 8 bits, the same codes at every level.
namespace patina::kernels {
namespace {

template <typename Isa>
int64_t quantized_acts_bytes(int64_t m, int64_t k) {
  const int64_t bytes = m * (k / kBlockColumns) * kActBytes;
  return (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

// One row's 32 codes, and the sums of either half. Where x is no number they wrap around, and d makes nonsense of them.
[[gnu::always_inline]] inline void quantize_row(const float* x, float inverse, int8_t* codes, float* halves) {
  int32_t q[kBlockColumns];  // bytes would be added one by one
  for (int i = 0; i < kBlockColumns; ++i) q[i] = nearest(x[i] * inverse);
  for (int i = 0; i < kBlockColumns; ++i) codes[i] = static_cast<int8_t>(q[i]);
  uint32_t half[2] = {0, 0};
#pragma GCC unroll 1
  for (int i = 0; i < kBlockColumns / 2; ++i) {
    half[0] += static_cast<uint32_t>(q[i]);
    half[1] += static_cast<uint32_t>(q[i + kBlockColumns / 2]);
  }
  halves[0] = static_cast<float>(static_cast<int32_t>(half[0]));
  halves[kActGroup] = static_cast<float>(static_cast<int32_t>(half[1]));
}

// 32 columns of at most kActGroup rows, in steps whose rows do not wait for each other.
[[gnu::always_inline]] inline void quantize_block(const float* x, int64_t ldx, int64_t rows, uint8_t* block) {
  CodeScale scales[kActGroup];
  for (int64_t t = 0; t < rows; ++t) scales[t] = code_scale(largest_magnitude<kBlockColumns>(x + t * ldx), 127.0F);
  float halves[2 * kActGroup];
  for (int64_t t = 0; t < rows; ++t) {
    int8_t codes[kBlockColumns];
    quantize_row(x + t * ldx, scales[t].inverse, codes, halves + t);
    for (int i = 0; i < kCodeVectors; ++i) std::memcpy(block + (i * rows + t) * 4, codes + 4 * i, 4);
  }
  auto* d = reinterpret_cast<float*>(block + kActScale * rows);
  auto* offset = reinterpret_cast<float*>(block + kActOffset * rows);
  auto* half_offset = reinterpret_cast<float*>(block + kActHalfOffset * rows);
  for (int64_t t = 0; t < rows; ++t) {
    d[t] = scales[t].d;
    offset[t] = -scales[t].d * (halves[t] + halves[kActGroup + t]);
    half_offset[t] = -scales[t].d * halves[t];
    half_offset[rows + t] = -scales[t].d * halves[kActGroup + t];
  }
}

template <typename Isa>
void quantize_acts(const float* x, int64_t ldx, int64_t m, int64_t k, int64_t m_begin, int64_t m_end, std::byte* out) {
  const int64_t blocks = k / kBlockColumns;
  for (int64_t first = m_begin; first < m_end; first += kActGroup) {
    const int64_t rows = m - first < kActGroup ? m - first : kActGroup;
    auto* group = reinterpret_cast<uint8_t*>(out) + first * blocks * kActBytes;
    for (int64_t b = 0; b < blocks; ++b) {
      quantize_block(x + first * ldx + b * kBlockColumns, ldx, rows, group + b * rows * kActBytes);
    }
  }
}

}  // namespace
}  // namespace patina::kernels
