#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/bounds.h"
#include "kernels/generic/rounding.h"

// Activations to 8 bits, the same codes at every level whose acts_form() are the same.
namespace patina::kernels {
namespace {

template <typename Isa>
int64_t quantized_acts_bytes(ActsForm form, int64_t m, int64_t k) {
  const int64_t bytes = m * (k / kBlockColumns) * acts_fields<Isa>(kBlockColumns / form.columns).bytes;
  return (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

// Of a row's codes that have one scale. Where x is no finite number they wrap around, and d is none.
struct CodeSums {
  uint32_t half[2];   // of either half's codes
  uint32_t products;  // of codes of the one and of the other half

  uint32_t all() const { return half[0] + half[1]; }
};

template <int kColumns, bool kProducts>
[[gnu::always_inline]] inline CodeSums quantize_run(const float* x, float inverse, int8_t* codes) {
  int32_t q[kColumns];  // bytes would be added one by one
  for (int i = 0; i < kColumns; ++i) q[i] = nearest(x[i] * inverse);
  for (int i = 0; i < kColumns; ++i) codes[i] = static_cast<int8_t>(q[i]);
  CodeSums sums = {};
#pragma GCC unroll 1
  for (int i = 0; i < kColumns / 2; ++i) {
    const auto first = static_cast<uint32_t>(q[i]);
    const auto second = static_cast<uint32_t>(q[i + kColumns / 2]);
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

// What products of the row begin with; `store` as in store_row().
template <typename Isa, int kScales, typename Store>
[[gnu::always_inline]] inline void store_starts(const CodeSums (&sums)[kScales], const uint32_t (&halves)[2], int most,
                                                const Store& store) {
  constexpr ActsFields kFields = acts_fields<Isa>(kScales);
  constexpr uint32_t kBits = kIntegerBaseBits;
  if constexpr (kScales == 1) store(kFields.start[0], kBits - 128U * sums[0].all());
  if constexpr (kFields.start[1] != 0) {
    store(kFields.start[1], kBits - 128U * halves[0]);
    store(kFields.start[1] + 4, (kScales == 2 ? kBits : 0U) - 128U * halves[1]);
  }
  if constexpr (Isa::kPairsColumns) {
    const auto pairs = [&](int run) { return 0U - sums[run].products - 128U * sums[run].half[1]; };
    store(kFields.pairs, pairs(0));
    store(kFields.pairs + 4,
          kScales == 2 ? pairs(kScales - 1) : pairs(0) + static_cast<uint32_t>(128 - most) * sums[0].all());
  }
}

// A row's columns of a block of `rows`, of scales d.
template <typename Isa, int kScales>
[[gnu::always_inline]] inline void store_row(const ActsPlace& place, const float* d, const float* inverse, int most,
                                             int64_t rows) {
  constexpr ActsFields kFields = acts_fields<Isa>(kScales);
  constexpr int kColumns = kBlockColumns / kScales;
  const auto store = [&]<typename T>(int at, T value) { std::memcpy(place.fields + at * rows, &value, 4); };
  int8_t codes[kBlockColumns];
  CodeSums sums[kScales];
#pragma GCC unroll 2
  for (int s = 0; s < kScales; ++s) {
    sums[s] = quantize_run<kColumns, Isa::kPairsColumns>(place.x + s * kColumns, inverse[s], codes + s * kColumns);
  }
  for (int v = 0; v < kCodeVectors; ++v) std::memcpy(place.fields + v * 4 * rows, codes + 4 * v, 4);
  const uint32_t halves[2] = {kScales == 2 ? sums[0].all() : sums[0].half[0],
                              kScales == 2 ? sums[kScales - 1].all() : sums[0].half[1]};
  if constexpr (Isa::kIntegerStarts) store_starts<Isa>(sums, halves, most, store);
  if constexpr (Isa::kPairStarts) {
    uint8_t* starts = place.fields + kFields.pair_start * rows;
    Isa::template store_pair_starts<kPairStartZero>(codes, starts, starts + 4 * rows);
  }
  const auto first = static_cast<float>(static_cast<int32_t>(halves[0]));
  const auto second = static_cast<float>(static_cast<int32_t>(halves[1]));
  for (int s = 0; s < kScales; ++s) store(kFields.scale + 4 * s, d[s]);
  if constexpr (kScales == 1) store(kFields.offset[0], -d[0] * (first + second));
  if constexpr (kFields.offset[1] != 0) {
    store(kFields.offset[1], -d[0] * first);
    store(kFields.offset[1] + 4, -d[kScales - 1] * second);
  }
}

// Places in blocks of `rows`, in steps whose places do not wait for each other.
template <typename Isa, int kScales>
[[gnu::always_inline]] inline void quantize_places(const ActsPlace (&places)[kActGroup], int64_t count, int64_t rows,
                                                   int most) {
  constexpr int kColumns = kBlockColumns / kScales;
  int32_t largest[kActGroup * kScales] = {};
#pragma GCC unroll 1
  for (int64_t i = 0; i < count; ++i) {
    for (int s = 0; s < kScales; ++s) {
      largest[i * kScales + s] = largest_magnitude<kColumns>(places[i].x + s * kColumns);
    }
  }
  float d[kActGroup * kScales];
  float inverse[kActGroup * kScales];
  for (int i = 0; i < kActGroup * kScales; ++i) {
    constexpr int32_t kInfinity = 0x7F800000;
    const CodeScale scale = code_scale(largest[i], static_cast<float>(most));
    d[i] = largest[i] >= kInfinity ? __builtin_nanf("") : scale.d;
    inverse[i] = largest[i] >= kInfinity ? 0.0F : scale.inverse;
  }
#pragma GCC unroll 1
  for (int64_t i = 0; i < count; ++i) {
    store_row<Isa, kScales>(places[i], d + i * kScales, inverse + i * kScales, most, rows);
  }
}

// Activations of `rows` tokens, a group, to blocks, several blocks of few tokens at a time.
template <typename Isa, int kScales>
[[gnu::always_inline]] inline void quantize_group(Rows<const float> x, int64_t rows, int64_t blocks, int most,
                                                  uint8_t* to) {
  ActsPlace places[kActGroup];
  int64_t count = 0;
  for (int64_t b = 0; b < blocks; ++b, to += rows * acts_fields<Isa>(kScales).bytes) {
    for (int64_t t = 0; t < rows; ++t) places[count++] = {x.row(t) + b * kBlockColumns, to + 4 * t};
    if (count + rows <= kActGroup && b + 1 < blocks) continue;
    quantize_places<Isa, kScales>(places, count, rows, most);
    count = 0;
  }
}

template <typename Isa>
void quantize_acts(ActsForm form, Rows<const float> x, int64_t m, int64_t k, Range range, std::byte* out) {
  const int64_t blocks = k / kBlockColumns;
  const auto quantize = [&]<int kScales>() {
    for (int64_t first = range.begin; first < range.end; first += kActGroup) {
      const int64_t rows = at_most(m - first, kActGroup);
      auto* group = reinterpret_cast<uint8_t*>(out) + first * blocks * acts_fields<Isa>(kScales).bytes;
      quantize_group<Isa, kScales>(x.from(first, 0), rows, blocks, form.most, group);
    }
  };
  if constexpr (Isa::kPairsColumns) {
    if (form.columns < kBlockColumns) return quantize.template operator()<2>();
  }
  quantize.template operator()<1>();
}

}  // namespace
}  // namespace patina::kernels
