#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/rounding.h"

// Activations to 8 bits, the same codes at every level whose most_of_acts() are the same.
namespace patina::kernels {
namespace {

template <typename Isa>
int64_t quantized_acts_bytes(int64_t m, int64_t k) {
  const int64_t bytes = m * (k / kBlockColumns) * act_bytes<Isa>();
  return (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

// Of one row's 32 codes. Where x is no finite number they wrap around, and d is none.
struct CodeSums {
  uint32_t half[2];   // of either half's codes
  uint32_t products;  // of codes of the one and of the other half
};

template <bool kProducts>
[[gnu::always_inline]] inline CodeSums quantize_row(const float* x, float inverse, int8_t* codes) {
  int32_t q[kBlockColumns];  // bytes would be added one by one
  for (int i = 0; i < kBlockColumns; ++i) q[i] = nearest(x[i] * inverse);
  for (int i = 0; i < kBlockColumns; ++i) codes[i] = static_cast<int8_t>(q[i]);
  CodeSums sums = {};
#pragma GCC unroll 1
  for (int i = 0; i < kBlockColumns / 2; ++i) {
    const auto first = static_cast<uint32_t>(q[i]);
    const auto second = static_cast<uint32_t>(q[i + kBlockColumns / 2]);
    sums.half[0] += first;
    sums.half[1] += second;
    if constexpr (kProducts) sums.products += first * second;
  }
  return sums;
}

// What products of row t of `rows` begin with.
template <typename Isa>
[[gnu::always_inline]] inline void store_starts(const CodeSums& sums, int64_t t, int64_t rows, uint8_t* block) {
  const uint32_t sum = sums.half[0] + sums.half[1];
  const auto store = [&](int at, int64_t place, uint32_t value) {
    std::memcpy(block + at * rows + place * 4, &value, sizeof(value));
  };
  store(kActStart, t, 0U - 128U * sum);
  store(kActHalfStart, t, 0U - 128U * sums.half[0]);
  store(kActHalfStart, rows + t, 0U - 128U * sums.half[1]);
  if constexpr (Isa::kPairsColumns) {
    const uint32_t pairs = 0U - sums.products - 128U * sums.half[1];
    store(kActPairs, t, pairs);
    store(kActPairs, rows + t, pairs + static_cast<uint32_t>(kPairedZero) * sum);
  }
}

// 32 columns of at most kActGroup rows, in steps whose rows do not wait for each other.
template <typename Isa>
[[gnu::always_inline]] inline void quantize_block(const float* x, int64_t ldx, int64_t rows, uint8_t* block) {
  CodeScale scales[kActGroup];
  for (int64_t t = 0; t < rows; ++t) {
    constexpr int32_t kInfinity = 0x7F800000;
    const int32_t largest = largest_magnitude<kBlockColumns>(x + t * ldx);
    scales[t] = code_scale(largest, most_of_acts<Isa>());
    if (largest >= kInfinity) scales[t] = {__builtin_nanf(""), 0.0F};
  }
  float halves[2 * kActGroup];
  for (int64_t t = 0; t < rows; ++t) {
    int8_t codes[kBlockColumns];
    const CodeSums sums = quantize_row<Isa::kPairsColumns>(x + t * ldx, scales[t].inverse, codes);
    halves[t] = static_cast<float>(static_cast<int32_t>(sums.half[0]));
    halves[kActGroup + t] = static_cast<float>(static_cast<int32_t>(sums.half[1]));
    for (int i = 0; i < kCodeVectors; ++i) std::memcpy(block + (i * rows + t) * 4, codes + 4 * i, 4);
    if constexpr (Isa::kIntegerStarts) store_starts<Isa>(sums, t, rows, block);
    if constexpr (Isa::kPairStarts) {
      uint8_t* starts = block + (kActPairStart * rows + 4 * t);
      Isa::template store_pair_starts<kPairStartZero>(codes, starts, starts + 4 * rows);
    }
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
    auto* group = reinterpret_cast<uint8_t*>(out) + first * blocks * act_bytes<Isa>();
    for (int64_t b = 0; b < blocks; ++b) {
      quantize_block<Isa>(x + first * ldx + b * kBlockColumns, ldx, rows, group + b * rows * act_bytes<Isa>());
    }
  }
}

}  // namespace
}  // namespace patina::kernels
