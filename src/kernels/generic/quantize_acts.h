#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/bounds.h"
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

// A row's 32 columns and where its fields begin in a block of some rows.
struct ActsPlace {
  const float* x;
  uint8_t* fields;
};

// What products of the row begin with; `store` as in quantize_places().
template <typename Isa, typename Store>
[[gnu::always_inline]] inline void store_starts(const CodeSums& sums, const Store& store) {
  const uint32_t sum = sums.half[0] + sums.half[1];
  constexpr uint32_t kBits = kSumBits;
  store(kActStart, kBits - 128U * sum);
  store(kActHalfStart, kBits - 128U * sums.half[0]);
  store(kActHalfStart + 4, 0U - 128U * sums.half[1]);
  if constexpr (Isa::kPairsColumns) {
    const uint32_t pairs = 0U - sums.products - 128U * sums.half[1];
    store(kActPairs, pairs);
    store(kActPairs + 4, pairs + static_cast<uint32_t>(kPairedZero) * sum);
  }
}

// Places in blocks of `rows`, in steps whose places do not wait for each other.
template <typename Isa>
[[gnu::always_inline]] inline void quantize_places(const ActsPlace (&places)[kActGroup], int64_t count, int64_t rows) {
  int32_t largest[kActGroup] = {};
#pragma GCC unroll 1
  for (int64_t i = 0; i < count; ++i) largest[i] = largest_magnitude<kBlockColumns>(places[i].x);
  float d[kActGroup];
  float inverse[kActGroup];
  for (int i = 0; i < kActGroup; ++i) {
    constexpr int32_t kInfinity = 0x7F800000;
    const CodeScale scale = code_scale(largest[i], most_of_acts<Isa>());
    d[i] = largest[i] >= kInfinity ? __builtin_nanf("") : scale.d;
    inverse[i] = largest[i] >= kInfinity ? 0.0F : scale.inverse;
  }
#pragma GCC unroll 1
  for (int64_t i = 0; i < count; ++i) {
    uint8_t* fields = places[i].fields;
    const auto store = [&]<typename T>(int at, T value) { std::memcpy(fields + at * rows, &value, 4); };
    int8_t codes[kBlockColumns];
    const CodeSums sums = quantize_row<Isa::kPairsColumns>(places[i].x, inverse[i], codes);
    for (int v = 0; v < kCodeVectors; ++v) std::memcpy(fields + v * 4 * rows, codes + 4 * v, 4);
    if constexpr (Isa::kIntegerStarts) store_starts<Isa>(sums, store);
    if constexpr (Isa::kPairStarts) {
      uint8_t* starts = fields + kActPairStart * rows;
      Isa::template store_pair_starts<kPairStartZero>(codes, starts, starts + 4 * rows);
    }
    const auto first = static_cast<float>(static_cast<int32_t>(sums.half[0]));
    const auto second = static_cast<float>(static_cast<int32_t>(sums.half[1]));
    store(kActScale, d[i]);
    store(kActOffset, -d[i] * (first + second));
    store(kActHalfOffset, -d[i] * first);
    store(kActHalfOffset + 4, -d[i] * second);
  }
}

// Activations of `rows` tokens, a group, to blocks, several blocks of few tokens at a time.
template <typename Isa>
[[gnu::always_inline]] inline void quantize_group(Rows<const float> x, int64_t rows, int64_t blocks, uint8_t* to) {
  ActsPlace places[kActGroup];
  int64_t count = 0;
  for (int64_t b = 0; b < blocks; ++b, to += rows * act_bytes<Isa>()) {
    for (int64_t t = 0; t < rows; ++t) places[count++] = {x.row(t) + b * kBlockColumns, to + 4 * t};
    if (count + rows <= kActGroup && b + 1 < blocks) continue;
    quantize_places<Isa>(places, count, rows);
    count = 0;
  }
}

template <typename Isa>
void quantize_acts(Rows<const float> x, int64_t m, int64_t k, Range range, std::byte* out) {
  const int64_t blocks = k / kBlockColumns;
  for (int64_t first = range.begin; first < range.end; first += kActGroup) {
    const int64_t rows = at_most(m - first, kActGroup);
    auto* group = reinterpret_cast<uint8_t*>(out) + first * blocks * act_bytes<Isa>();
    quantize_group<Isa>(x.from(first, 0), rows, blocks, group);
  }
}

}  // namespace
}  // namespace patina::kernels
