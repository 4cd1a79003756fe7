#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/generic/backward_block.h"
#include "kernels/generic/bounds.h"
#include "kernels/generic/weight_quads.h"

// The backward product in bytes, for weights of 4 and 5 bits with codes c (weight_quads.h):
//   dx[t][k] += sum over groups of 64 rows of  s[t] sum_r z[t][r] c[r][k]  -  sum_r dy[t][r] offset[r]
// where s z = dy[t][r] scale[r] has 8 bits: s is the largest gradient of a token and a group, times the largest scale
// of the group and the 32 columns that share scales, divided by 127. As these two need not stand in one row, that is
// somewhat coarser than the 8 bits of the forward product's activations (which cost 5e-3); it costs about 8e-3 of the
// result where numbers are alike. The largest product itself would cost 6e-3, and a tenth of the speed to be found.
//
// Levels that multiply unsigned bytes with signed ones take z + 128, and sums begin with what takes the 128 off. Sums
// are exact, in 16 bits too, where they may wrap around on the way: at most 127 * 8 * 32 for codes of 4 bits and
// 127 * 16 * 16 for codes of 5, below 2^15.
namespace patina::kernels {
namespace {

// Tokens whose bytes for 32 columns, with their sums and the weights, stay in a first-level cache.
constexpr int64_t kByteTokens = 48;

// Of a segment, for 32 columns.
struct ByteGradients {
  // z, with the level's excess, and s.
  alignas(kVectorBytes) uint8_t codes[kSegmentGroups][kByteTokens][kGroupRows];
  float scales[kSegmentGroups][kByteTokens];
};

// Gradients of `tokens` tokens and of group `g` times the weights' factors, as bytes with their scales. Where kOffsets
// also  offsets [t][16] -= the lanes of sum_r dy[t][r] offset[r].
template <typename Isa, bool kOffsets>
void to_bytes(const GroupGradients& gradients, int64_t tokens, int64_t g, const WeightQuads& weights,
              ByteGradients& out, float* offsets) {
  const auto factors = Isa::load_group(weights.factors + g * kGroupRows);
  typename Isa::Group of_weights = {};
  if constexpr (kOffsets) of_weights = Isa::load_group(weights.offsets + g * kGroupRows);
  float offset_scales[kByteTokens];
  for (int64_t t = 0; t < tokens; ++t) {
    out.scales[g][t] = gradients.scales[t] * weights.units[g];
    if constexpr (kOffsets) offset_scales[t] = gradients.scales[t] * weights.offset_units[g];
  }
  for (int64_t t = 0; t < tokens; ++t) {
    const auto codes = Isa::load_group(gradients.codes + t * kGroupRows);
    Isa::scale_group(codes, factors, out.codes[g][t]);
    if constexpr (kOffsets) {
      float* to = offsets + t * kPanelRows;
      const auto products = Isa::to_floats(Isa::group_products(codes, of_weights));
      Isa::store(to, Isa::fma(products, Isa::broadcast(offset_scales + t), Isa::load(to)));
    }
  }
}

// 16 columns for T tokens from t on, whose sums [t][16] grow.
template <typename Isa, int T, int kRun>
[[gnu::noinline]] void byte_tile(const ByteGradients& gradients, int64_t t, int64_t groups, const int8_t* strip,
                                 const uint8_t (*starts)[kVectorBytes], float* sums) {
  constexpr int64_t kRuns = kGroupQuads / kRun;
  for (int64_t run = 0; run < groups * kRuns; ++run, strip += kRun * kVectorBytes) {
    const uint8_t* codes = gradients.codes[run / kRuns][t] + run % kRuns * kRun * kQuadRows;
    typename Isa::Ints sum[T];
#pragma GCC unroll 16
    for (int i = 0; i < T; ++i) sum[i] = Isa::load_quad_sums(starts[run]);
#pragma GCC unroll 1
    for (int64_t q = 0; q < kRun; ++q) {
      const auto weights = Isa::load_bytes(reinterpret_cast<const uint8_t*>(strip + q * kVectorBytes));
#pragma GCC unroll 16
      for (int i = 0; i < T; ++i) Isa::add_quad_products(sum[i], weights, codes + i * kGroupRows + q * kQuadRows);
    }
#pragma GCC unroll 16
    for (int i = 0; i < T; ++i) {
      const auto scale = Isa::broadcast(gradients.scales[run / kRuns] + t + i);
      float* to = sums + (t + i) * kPanelRows;
      Isa::store(to, Isa::fma(Isa::to_floats(Isa::quad_totals(sum[i])), scale, Isa::load(to)));
    }
  }
}

// Where a product's parts lie in `scratch`.
struct ByteScratch {
  static constexpr int64_t kColumnBlocks = kIntegerColumns / kBlockColumns;

  WeightQuads weights;
  ByteGradients gradients;
  alignas(kVectorBytes) float sums[kIntegerColumns * kIntegerTokens];                // [columns / 16][t][16]
  alignas(kVectorBytes) float offsets[kColumnBlocks * kIntegerTokens * kPanelRows];  // [columns / 32][t][16]
};
static_assert(sizeof(ByteScratch) <= kScratchFloats * sizeof(float));

// To the sums of 32 columns [2][m][16] the lanes of `offsets` [m][16].
template <typename Isa>
void add_offsets(const float* offsets, int64_t m, float* sums) {
  for (int64_t t = 0; t < m; ++t) {
    float offset = 0.0F;
    for (int64_t i = 0; i < kPanelRows; ++i) offset += offsets[t * kPanelRows + i];
    for (int64_t strip = 0; strip < WeightQuads::kStrips; ++strip) {
      float* to = sums + (strip * m + t) * kPanelRows;
      Isa::store(to, Isa::add(Isa::load(to), Isa::broadcast(&offset)));
    }
  }
}

// A segment's rows and 32 columns for m tokens: sums [2][m][16] and offsets [m][16] grow.
template <typename Isa, DType kType>
void add_segment(const GroupGradients& gradients, int64_t m, int64_t groups, const WeightQuads& weights,
                 ByteGradients& bytes, float* sums, float* offsets) {
  constexpr int kRun = Isa::quad_run(packed_format(kType).code_bits());
  for (int64_t t = 0; t < m; t += kByteTokens) {
    const int64_t tokens = at_most(m - t, kByteTokens);
    for (int64_t g = 0; g < groups; ++g) {
      to_bytes<Isa, has_offsets<kType>()>(gradients.from(g, t), tokens, g, weights, bytes, offsets + t * kPanelRows);
    }
    for (int64_t strip = 0; strip < WeightQuads::kStrips; ++strip) {
      float* to = sums + (strip * m + t) * kPanelRows;
      each_tile<Isa::kQuadTile>(tokens, [&]<int T>(int64_t first) {
        byte_tile<Isa, T, kRun>(bytes, first, groups, weights.codes[strip], weights.starts[strip], to);
      });
    }
  }
}

template <typename Isa, DType kType>
void byte_block(const Panels& w, const BackwardBlock& block, const std::byte* quantized, int64_t m,
                ByteScratch& scratch, Rows<float> dx) {
  const auto [from, columns, t_begin, tokens] = block;
  std::memset(scratch.sums, 0, sizeof(float) * static_cast<size_t>(columns * tokens));
  if constexpr (has_offsets<kType>()) {
    std::memset(scratch.offsets, 0, sizeof(float) * static_cast<size_t>(columns / 2 * tokens));
  }
  for (int64_t s = 0; s < segment_count(w.rows); ++s) {
    const int64_t row = s * kSegmentRows;
    const int64_t count = at_most(w.rows - row, kSegmentRows);
    const int64_t groups = (count + kGroupRows - 1) / kGroupRows;
    const auto gradients = rounded_gradients<kGroupRows>(quantized, m, w.rows).from(s * kSegmentGroups, t_begin);
    for (int64_t c = 0; c < columns; c += kBlockColumns) {
      unpack_quads<Isa, kType>(w, row / kPanelRows, groups, (from + c) / kBlockColumns, scratch.weights);
      add_segment<Isa, kType>(gradients, tokens, groups, scratch.weights, scratch.gradients, scratch.sums + c * tokens,
                              scratch.offsets + c / 2 * tokens);
    }
  }
  if constexpr (has_offsets<kType>()) {
    for (int64_t c = 0; c < columns; c += kBlockColumns) {
      add_offsets<Isa>(scratch.offsets + c / 2 * tokens, tokens, scratch.sums + c * tokens);
    }
  }
  add_sums<Isa>(scratch.sums, tokens, columns, dx.from(t_begin, from));
}

}  // namespace
}  // namespace patina::kernels
