#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/generic/quantize_gradients.h"
#include "kernels/generic/unpack.h"

// Weights of 4 and 5 bits for the backward product in bytes. With the code c = u - 2^(bits - 1), from -16 to 15,
//   w = scale * c - offset,
// codes are taken as they are, and what a row's scale is goes to its gradients, in integers of 16 bits.
//
// A strip holds 16 columns: for each 4 rows, a quad, 16 x {i8 row 0, 1, 2, 3}, in the order of quad_place().
namespace patina::kernels {
namespace {

constexpr int64_t kQuadStripBytes = kSegmentRows * kPanelRows;
constexpr int kMostOfFactors = 32767;
constexpr int kMostOfOffsets = 16383;
// Lanes sum the offsets of a group times gradients in 32 bits.
static_assert(kGroupPanels * int64_t{kMostOfOffsets} * kMostOfGradients<kGroupRows> < int64_t{1} << 31);
static_assert((((int64_t{kMostOfFactors} * kMostOfGradients<kGroupRows> + (1 << 14)) >> 15) + (1 << 7)) >> 8 == 127);
// A gradient's byte stands above the 15 bits of a factor and 8 more.
constexpr float kByteUnit = 0x1p23F;

// Whether w differs from scale * c.
template <DType kType>
constexpr bool has_offsets() {
  return packed_format(kType).zero_log2 == kNoZero;
}

// 32 columns of a segment.
struct WeightQuads {
  static constexpr int64_t kStrips = kBlockColumns / kPanelRows;
  static constexpr int kLeastRun = 8;
  static constexpr int64_t kMostRuns = kSegmentGroups * kGroupQuads / kLeastRun;

  alignas(kVectorBytes) int8_t codes[kStrips][kQuadStripBytes];
  // For each run of quads, what sums begin with: it takes the excess of all gradients off.
  alignas(kVectorBytes) uint8_t starts[kStrips][kMostRuns][kVectorBytes];
  // Of each group's rows, whose panels stand where Isa::panel_place() says.
  alignas(kVectorBytes) int16_t factors[kSegmentRows];  // scale = unit / kByteUnit * factor
  alignas(kVectorBytes) int16_t offsets[kSegmentRows];  // offset = -offset_unit * this
  float units[kSegmentGroups];
  float offset_units[kSegmentGroups];
};

// The rows of one panel; `scale` and `offset` take theirs.
template <typename Isa, DType kType>
[[gnu::always_inline]] inline void store_panel(const BlockPlace<kType>& at, int64_t p, WeightQuads& out, float* scale,
                                               float* offset) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kZeroLog2 = kFormat.code_bits() - 1;
  static_assert(has_offsets<kType>() || kFormat.zero_log2 == kZeroLog2);
  constexpr float kZero = 1 << kZeroLog2;
  const auto factor = load_scale<Isa>(at, 0);
  Isa::store(scale, factor);
  if constexpr (has_offsets<kType>()) {
    Isa::store(offset, Isa::sub(load_min<Isa>(at, 0), Isa::mul(factor, Isa::broadcast(&kZero))));
  }
  typename Isa::Bytes codes[kCodeVectors];
  load_codes<Isa>(at, codes);
#pragma GCC unroll 8
  for (int i = 0; i < kCodeVectors; ++i) {
    Isa::store_quads(codes[i], static_cast<int8_t>(kZero),
                     out.codes[i / 4] + quad_place(p, 0) * kVectorBytes + i % 4 * 16);
  }
}

inline void zero_panel(int64_t p, WeightQuads& out, float* scale, float* offset) {
  for (auto& strip : out.codes) {
    std::memset(strip + quad_place(p, 0) * kVectorBytes, 0, 2 * kVectorBytes);
    std::memset(strip + quad_place(p, 2) * kVectorBytes, 0, 2 * kVectorBytes);
  }
  std::memset(scale, 0, kPanelRows * sizeof(float));
  std::memset(offset, 0, kPanelRows * sizeof(float));
}

// `runs` of kRun quads for each strip.
template <typename Isa, int kRun>
void fill_starts(int64_t runs, WeightQuads& out) {
  static_assert(kRun >= WeightQuads::kLeastRun);
  alignas(uint32_t) constexpr uint8_t kExcess[kQuadRows] = {Isa::kQuadExcess, Isa::kQuadExcess, Isa::kQuadExcess,
                                                            Isa::kQuadExcess};
  for (int64_t s = 0; s < WeightQuads::kStrips; ++s) {
    for (int64_t run = 0; run < runs; ++run) {
      auto sum = Isa::zero_ints();
      for (int64_t q = run * kRun; q < (run + 1) * kRun; ++q) {
        const auto* codes = reinterpret_cast<const uint8_t*>(out.codes[s] + q * kVectorBytes);
        Isa::add_quad_products(sum, Isa::load_bytes(codes), kExcess);
      }
      Isa::store_negated_quads(sum, out.starts[s][run]);
    }
  }
}

// Columns of block number `block` of a row, of `groups` groups of rows whose first panel is `panel`; beyond the
// matrix all weights are zero.
template <typename Isa, DType kType>
void unpack_quads(const Panels& w, int64_t panel, int64_t groups, int64_t block, WeightQuads& out) {
  constexpr int kRun = Isa::quad_run(packed_format(kType).code_bits());
  const auto first = BlockPlace<kType>::of(w.panel(panel), block);
  alignas(kVectorBytes) float scale[kSegmentRows];
  alignas(kVectorBytes) float offset[kSegmentRows];
  for (int64_t p = 0; p < groups * kGroupPanels; ++p) {
    float* scale_of = scale + p * kPanelRows;
    float* offset_of = offset + p * kPanelRows;
    if (panel + p < w.count()) {
      store_panel<Isa>(first.further(p * w.stride), p, out, scale_of, offset_of);
    } else {
      zero_panel(p, out, scale_of, offset_of);
    }
  }
  fill_starts<Isa, kRun>(groups * kGroupQuads / kRun, out);
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t at = g * kGroupRows;
    out.units[g] = kByteUnit * round_section<Isa, kGroupRows>(scale + at, kMostOfFactors, out.factors + at);
    if constexpr (has_offsets<kType>()) {
      out.offset_units[g] = -round_section<Isa, kGroupRows>(offset + at, kMostOfOffsets, out.offsets + at);
    }
  }
}

}  // namespace
}  // namespace patina::kernels
