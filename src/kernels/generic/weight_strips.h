#pragma once

#include <cstdint>

#include "kernels/generic/quantize_gradients.h"
#include "kernels/generic/unpack.h"

// Weights as integers of 12 bits for the backward product, straight from packed codes: 256 rows at most and 32 columns
// have one scale s_w, and w = scale * u - min becomes
//   q = (round(2^shift u * factor / 2^15) - offset) / 4,  factor = scale / s_w * 2^(17 - shift),  offset = 4 min / s_w
// with magnitudes up to 2047. The two bits more than needed keep what rounding factor and offset costs below that of
// the last rounding.
//
// A strip holds 16 columns: 128 pairs of rows, a pair is 16 x {i16 row 2p, i16 row 2p + 1}.
namespace patina::kernels {
namespace {

constexpr int64_t kStripCodes = kSegmentRows * kPanelRows;
constexpr int kMostOfWeights = 2047;

// Scales and mins of 32 columns of a segment: for each panel and each part of a block, 16 rows.
struct SegmentScales {
  static constexpr int64_t kMost = kSegmentRows / kPanelRows * 2 * kPanelRows;
  alignas(kVectorBytes) float scale[kMost];
  alignas(kVectorBytes) float min[kMost];
};

template <typename Isa, DType kType>
[[gnu::always_inline]] inline void load_scales(const BlockPlace<kType>& at, float* scale, float* min) {
  for (int part = 0; part < packed_format(kType).parts(); ++part) {
    const auto factor = load_scale<Isa>(at, part);
    Isa::store(scale + part * kPanelRows, factor);
    Isa::store(min + part * kPanelRows, load_offset<Isa>(at, part, factor));
  }
}

// The scale s_w: the largest magnitude is that of a row's smallest code or of its largest.
template <DType kType>
CodeScale strip_scale(const SegmentScales& of, int64_t panels) {
  constexpr auto kMost = static_cast<float>((1 << packed_format(kType).code_bits()) - 1);
  constexpr int64_t kFloats = packed_format(kType).parts() * kPanelRows;
  int32_t largest = 0;
  float extremes[2 * kFloats];
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t i = 0; i < kFloats; ++i) {
      const float min = of.min[p * kFloats + i];
      extremes[i] = min;
      extremes[kFloats + i] = of.scale[p * kFloats + i] * kMost - min;
    }
    const int32_t of_panel = largest_magnitude<2 * kFloats>(extremes);
    largest = of_panel > largest ? of_panel : largest;
  }
  return code_scale(largest, kMostOfWeights);
}

// A row's factor and offset, with the last rounding's half in the offset. Where a type has a zero point, the offset is
// what this gives for it, so that a weight of zero stays zero.
template <DType kType>
[[gnu::always_inline]] inline void pair_factors(const float* scale, const float* min, float inverse, int16_t* factors,
                                                int16_t* offsets) {
  constexpr int kShift = 15 - packed_format(kType).code_bits();
  constexpr int kZeroLog2 = packed_format(kType).zero_log2;
  constexpr auto kUnit = static_cast<float>(1 << (17 - kShift));
  for (int r = 0; r < kPanelRows; ++r) {
    const int32_t factor = nearest(scale[r] * inverse * kUnit);
    factors[r] = static_cast<int16_t>(factor);
    if constexpr (kZeroLog2 == kNoZero) {
      offsets[r] = static_cast<int16_t>(nearest(min[r] * inverse * 4.0F) - 2);
    } else {
      constexpr int kZero = 1 << (kZeroLog2 + kShift);
      offsets[r] = static_cast<int16_t>(((factors[r] * kZero + (1 << 14)) >> 15) - 2);
    }
  }
}

// 32 columns, block number `block` of a row, of `panels` panels from `panel` on to two strips. Returns s_w.
template <typename Isa, DType kType>
float pack_strips(const Panels& w, int64_t panel, int64_t panels, int64_t block, int16_t* strips) {
  constexpr int kParts = packed_format(kType).parts();
  constexpr int kVectors = kCodeVectors / kParts;
  const auto first = BlockPlace<kType>::of(w.panel(panel), block);
  SegmentScales of;
  for (int64_t p = 0; p < panels; ++p) {
    const int64_t at = p * kParts * kPanelRows;
    load_scales<Isa>(first.further(p * w.stride), of.scale + at, of.min + at);
  }
  const CodeScale scale = strip_scale<kType>(of, panels);
  for (int64_t p = 0; p < panels; ++p) {
    typename Isa::Bytes codes[kCodeVectors];
    load_codes<Isa>(first.further(p * w.stride), codes);
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      alignas(kVectorBytes) int16_t rows[2][kPanelRows];
      const int64_t at = (p * kParts + part) * kPanelRows;
      pair_factors<kType>(of.scale + at, of.min + at, scale.inverse, rows[0], rows[1]);
      const auto factors = Isa::load_pair_factors(rows[0]);
      const auto offsets = Isa::load_pair_factors(rows[1]);
#pragma GCC unroll 8
      for (int i = 0; i < kVectors; ++i) {
        const int vector = part * kVectors + i;
        int16_t* to = strips + vector / 4 * kStripCodes + p * kPanelRows * kPanelRows + vector % 4 * 8;
        Isa::template store_pairs<15 - packed_format(kType).code_bits()>(codes[vector], factors, offsets, to);
      }
    }
  }
  return scale.d;
}

// Rows of a segment, [row, row + row_count), and columns [from, from + columns), a multiple of 32, to strips, with a
// scale for each 32 columns.
template <typename Isa, DType kType>
void unpack_strips(const Panels& w, int64_t row, int64_t row_count, int64_t from, int64_t columns, int16_t* strips,
                   float* scales) {
  for (int64_t c = 0; c < columns; c += kBlockColumns) {
    scales[c / kBlockColumns] = pack_strips<Isa, kType>(w, row / kPanelRows, panel_count(row_count),
                                                        (from + c) / kBlockColumns, strips + c * kSegmentRows);
  }
}

}  // namespace
}  // namespace patina::kernels
