#pragma once

#include <cstdint>

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

// One row's 32 numbers to row t of a block of `rows` rows.
template <typename Isa>
[[gnu::always_inline]] inline void quantize_block(const float* x, uint8_t* block, int64_t t, int64_t rows) {
  const CodeScale scale = code_scale(largest_magnitude<32>(x), 127.0F);
  int32_t q[kBlockColumns];
  for (int i = 0; i < kBlockColumns; ++i) q[i] = nearest(x[i] * scale.inverse);
  int32_t half[2] = {0, 0};
  for (int i = 0; i < kBlockColumns / 2; ++i) {
    half[0] += static_cast<int8_t>(q[i]);
    half[1] += static_cast<int8_t>(q[i + kBlockColumns / 2]);
  }
  auto* codes = reinterpret_cast<int8_t*>(block);
  for (int i = 0; i < kCodeVectors; ++i) {
    for (int b = 0; b < 4; ++b) codes[(i * rows + t) * 4 + b] = static_cast<int8_t>(q[4 * i + b]);
  }
  reinterpret_cast<float*>(block + kActScale * rows)[t] = scale.d;
  reinterpret_cast<float*>(block + kActOffset * rows)[t] = -scale.d * static_cast<float>(half[0] + half[1]);
  auto* halves = reinterpret_cast<float*>(block + kActHalfOffset * rows);
  halves[t] = -scale.d * static_cast<float>(half[0]);
  halves[rows + t] = -scale.d * static_cast<float>(half[1]);
}

template <typename Isa>
void quantize_acts(const float* x, int64_t ldx, int64_t m, int64_t k, int64_t m_begin, int64_t m_end, std::byte* out) {
  const int64_t blocks = k / kBlockColumns;
  for (int64_t first = m_begin; first < m_end; first += kActGroup) {
    const int64_t rows = m - first < kActGroup ? m - first : kActGroup;
    auto* group = reinterpret_cast<uint8_t*>(out) + first * blocks * kActBytes;
    for (int64_t t = 0; t < rows; ++t) {
      const float* row = x + (first + t) * ldx;
      for (int64_t b = 0; b < blocks; ++b) {
        quantize_block<Isa>(row + b * kBlockColumns, group + b * rows * kActBytes, t, rows);
      }
    }
  }
}

}  // namespace
}  // namespace patina::kernels
