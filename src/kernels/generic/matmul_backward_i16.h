#pragma once

#include <cstdint>

#include "kernels/generic/backward_block.h"
#include "kernels/generic/bounds.h"
#include "kernels/generic/weight_strips.h"

// The backward product in integers of 16 bits:
//   dx[t][k] += sum over segments of 256 rows of  s_w s_y[t] * sum_r q_w[r][k] q_y[t][r]
// where weights of a segment and 32 columns have one scale s_w and magnitudes up to 2047, gradients of a token and a
// segment one scale s_y and magnitudes up to 4095. The inner sums are exact in 32 bits, since 256 * 2047 * 4095 < 2^31;
// so levels differ by the rounding of f32 sums only. Rounding to 12 and 13 bits costs about 1e-3 of the result, less
// than the activations' 8 bits cost the forward product.
namespace patina::kernels {
namespace {

static_assert(kSegmentRows * kMostOfWeights * kMostOfGradients<kSegmentRows> < int64_t{1} << 31);

// 16 columns for T tokens from t on: their sums [m][16] begin with this segment where it is `fresh`. The gradients of T
// tokens from `next` on are wanted soon: from a second-level cache they come too late.
template <typename Isa, int T>
[[gnu::noinline]] void integer_tile(const SegmentGradients& gradients, int64_t t, int64_t next, const int16_t* strip,
                                    int64_t pairs, float weight_scale, float* sums, bool fresh) {
  typename Isa::Ints sum[T];
#pragma GCC unroll 16
  for (int i = 0; i < T; ++i) sum[i] = Isa::zero_ints();
  constexpr int64_t kPairsOfLine = 16;
  const int16_t* codes = gradients.codes + t * kSegmentRows;
  const int16_t* ahead = gradients.codes + next * kSegmentRows;
#pragma GCC unroll 1
  for (int64_t p = 0; p < pairs; ++p) {
    if (p % kPairsOfLine == 0) {
#pragma GCC unroll 16
      for (int i = 0; i < T; ++i) __builtin_prefetch(ahead + i * kSegmentRows + 2 * p);
    }
    const auto weights = Isa::load_bytes(reinterpret_cast<const uint8_t*>(strip + p * 2 * kPanelRows));
#pragma GCC unroll 16
    for (int i = 0; i < T; ++i) Isa::add_pair_products(sum[i], weights, codes + i * kSegmentRows + 2 * p);
  }
#pragma GCC unroll 16
  for (int i = 0; i < T; ++i) {
    const float scale = weight_scale * gradients.scales[t + i];
    float* to = sums + (t + i) * kPanelRows;
    const auto before = fresh ? Isa::zero() : Isa::load(to);
    Isa::store(to, Isa::fma(Isa::to_floats(sum[i]), Isa::broadcast(&scale), before));
  }
}

// Where a product's parts lie in `scratch`.
struct IntegerScratch {
  int16_t* strips;  // kIntegerColumns of a segment
  float* sums;      // [columns / 16][tokens][16]

  static constexpr int64_t kStripFloats = kSegmentRows * kIntegerColumns / 2;
  static_assert(kStripFloats + kIntegerTokens * kIntegerColumns <= kScratchFloats);
  explicit IntegerScratch(float* scratch) : strips(reinterpret_cast<int16_t*>(scratch)), sums(scratch + kStripFloats) {}
};

template <typename Isa, DType kType>
void integer_block(const Panels& w, const BackwardBlock& block, const std::byte* quantized, int64_t m,
                   const IntegerScratch& scratch, Rows<float> dx) {
  const auto [from, columns, t_begin, tokens] = block;
  for (int64_t s = 0; s < segment_count(w.rows); ++s) {
    const int64_t row = s * kSegmentRows;
    const int64_t count = at_most(w.rows - row, kSegmentRows);
    float scales[kIntegerColumns / kBlockColumns];
    unpack_strips<Isa, kType>(w, row, count, from, columns, scratch.strips, scales);
    const auto gradients = rounded_gradients<kSegmentRows>(quantized, m, w.rows).from(s, t_begin);
    for (int64_t c = 0; c < columns; c += kPanelRows) {
      each_tile<Isa::kPairTile>(tokens, [&]<int T>(int64_t t) {
        const int64_t next = t + 2 * T <= tokens ? t + T : 0;
        integer_tile<Isa, T>(gradients, t, next, scratch.strips + c * kSegmentRows, (count + 1) / 2,
                             scales[c / kBlockColumns], scratch.sums + c * tokens, s == 0);
      });
    }
  }
  add_sums<Isa>(scratch.sums, tokens, columns, dx.from(t_begin, from));
}

}  // namespace
}  // namespace patina::kernels
