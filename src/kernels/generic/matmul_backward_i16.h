#pragma once

#include <cstdint>

#include "kernels/generic/rounding.h"
#include "kernels/generic/weight_strips.h"

// The backward product in integers of 16 bits:
//   dx[t][k] += sum over segments of 256 rows of  s_w s_y[t] * sum_r q_w[r][k] q_y[t][r]
// where weights of a segment and 32 columns have one scale s_w and magnitudes up to 2047, gradients of a token and a
// segment one scale s_y and magnitudes up to 4095. The inner sums are exact in 32 bits, since 256 * 2047 * 4095 < 2^31;
// so levels differ by the rounding of f32 sums only. Rounding to 12 and 13 bits costs about 1e-3 of the result, less
// than the activations' 8 bits cost the forward product.
//
// Gradients: i16 q[segments][m][256], the last segment padded with zeros, then f32 s[segments][m].
namespace patina::kernels {
namespace {

// A block of 64 columns and 512 tokens: with its weights 32 KiB, gradients of a segment 256 KiB and sums 128 KiB it
// stays in a second-level cache.
constexpr int64_t kIntegerColumns = 64;
constexpr int64_t kIntegerTokens = 512;
constexpr int kMostOfGradients = 4095;
static_assert(kSegmentRows * kMostOfWeights * kMostOfGradients < int64_t{1} << 31);

inline int64_t segment_count(int64_t rows) { return (rows + kSegmentRows - 1) / kSegmentRows; }

// The gradients of one segment.
struct IntegerGradients {
  const int16_t* codes;  // [m][256]
  const float* scales;   // [m]

  IntegerGradients from_token(int64_t t) const { return {codes + t * kSegmentRows, scales + t}; }
};

inline IntegerGradients gradients_of_segment(const std::byte* quantized, int64_t m, int64_t rows, int64_t segment) {
  const auto* codes = reinterpret_cast<const int16_t*>(quantized);
  const auto* scales = reinterpret_cast<const float*>(codes + segment_count(rows) * m * kSegmentRows);
  return {codes + segment * m * kSegmentRows, scales + segment * m};
}

template <typename Isa>
int64_t quantized_gradients_bytes(int64_t m, int64_t rows) {
  const int64_t segments = m * segment_count(rows);
  const auto bytes = segments * (kSegmentRows * int64_t{sizeof(int16_t)} + int64_t{sizeof(float)});
  return (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

template <typename Isa>
void quantize_gradients(const float* dy, int64_t lddy, int64_t m, int64_t rows, int64_t m_begin, int64_t m_end,
                        std::byte* out) {
  const int64_t segments = segment_count(rows);
  auto* codes = reinterpret_cast<int16_t*>(out);
  auto* scales = reinterpret_cast<float*>(codes + m * segments * kSegmentRows);
  alignas(kVectorBytes) float padded[kSegmentRows];
  for (int64_t t = m_begin; t < m_end; ++t) {
    for (int64_t s = 0; s < segments; ++s) {
      const float* from = dy + t * lddy + s * kSegmentRows;
      const int64_t left = rows - s * kSegmentRows;
      if (left < kSegmentRows) {
        for (int64_t i = 0; i < kSegmentRows; ++i) padded[i] = i < left ? from[i] : 0.0F;
        from = padded;
      }
      const CodeScale scale = code_scale(largest_magnitude<kSegmentRows>(from), kMostOfGradients);
      int16_t* to = codes + (s * m + t) * kSegmentRows;
      for (int64_t i = 0; i < kSegmentRows; ++i) to[i] = static_cast<int16_t>(nearest(from[i] * scale.inverse));
      scales[s * m + t] = scale.d;
    }
  }
}

// 16 columns for T tokens from t on: their sums [m][16] begin with this segment where it is `fresh`. The gradients of T
// tokens from `next` on are wanted soon: from a second-level cache they come too late.
template <typename Isa, int T>
[[gnu::noinline]] void integer_tile(const IntegerGradients& gradients, int64_t t, int64_t next, const int16_t* strip,
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

template <typename Isa>
void integer_tokens(const IntegerGradients& gradients, int64_t m, const int16_t* strip, int64_t pairs,
                    float weight_scale, float* sums, bool fresh) {
  constexpr int kTile = Isa::kPairTile;
  int64_t t = 0;
  for (; t + kTile <= m; t += kTile) {
    const int64_t next = t + 2 * kTile <= m ? t + kTile : 0;
    integer_tile<Isa, kTile>(gradients, t, next, strip, pairs, weight_scale, sums, fresh);
  }
  const auto rest = [&]<int T>(const auto& self) {
    if (m - t == T) return integer_tile<Isa, T>(gradients, t, 0, strip, pairs, weight_scale, sums, fresh);
    if constexpr (T > 1) self.template operator()<T - 1>(self);
  };
  if (t < m) rest.template operator()<kTile - 1>(rest);
}

// dx [m x columns] += sums [columns / 16][m][16].
template <typename Isa>
void add_sums(const float* sums, int64_t m, int64_t columns, float* dx, int64_t lddx) {
  for (int64_t t = 0; t < m; ++t) {
    for (int64_t c = 0; c < columns; c += kPanelRows) {
      float* to = dx + t * lddx + c;
      Isa::store(to, Isa::add(Isa::load(to), Isa::load(sums + c * m + t * kPanelRows)));
    }
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

// A block of at most kIntegerTokens of the m tokens and one of at most kIntegerColumns columns.
template <typename Isa, DType kType>
void integer_block(const uint8_t* packed, int64_t panel_stride, int64_t rows, int64_t from, int64_t columns,
                   const std::byte* quantized, int64_t m, int64_t t_begin, int64_t t_count,
                   const IntegerScratch& scratch, float* dx, int64_t lddx) {
  for (int64_t s = 0; s < segment_count(rows); ++s) {
    const int64_t row = s * kSegmentRows;
    const int64_t count = rows - row < kSegmentRows ? rows - row : kSegmentRows;
    float scales[kIntegerColumns / kBlockColumns];
    unpack_strips<Isa, kType>(packed, panel_stride, row, count, from, columns, scratch.strips, scales);
    const IntegerGradients gradients = gradients_of_segment(quantized, m, rows, s).from_token(t_begin);
    for (int64_t c = 0; c < columns; c += kPanelRows) {
      integer_tokens<Isa>(gradients, t_count, scratch.strips + c * kSegmentRows, (count + 1) / 2,
                          scales[c / kBlockColumns], scratch.sums + c * t_count, s == 0);
    }
  }
  add_sums<Isa>(scratch.sums, t_count, columns, dx + t_begin * lddx + from, lddx);
}

template <typename Isa>
void matmul_backward_i16(DType type, const std::byte* packed, int64_t rows, int64_t k, int64_t k_begin, int64_t k_end,
                         const std::byte* quantized, int64_t m, float* dx, int64_t lddx, float* scratch) {
  const int64_t bytes = panel_bytes(type, k);
  const IntegerScratch parts(scratch);
  visit_quantized(type, [&]<DType kType>() {
    for (int64_t from = k_begin; from < k_end; from += kIntegerColumns) {
      const int64_t columns = k_end - from < kIntegerColumns ? k_end - from : kIntegerColumns;
      for (int64_t t = 0; t < m; t += kIntegerTokens) {
        const int64_t tokens = m - t < kIntegerTokens ? m - t : kIntegerTokens;
        integer_block<Isa, kType>(reinterpret_cast<const uint8_t*>(packed), bytes, rows, from, columns, quantized, m, t,
                                  tokens, parts, dx, lddx);
      }
    }
  });
}

}  // namespace
}  // namespace patina::kernels
