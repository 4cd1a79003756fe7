#pragma once

#include <cstdint>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/unpack.h"

// Products of quantized weights and quantized activations:
//   y[t][r] = sum over k-blocks of  d_a[t] * (scale[r] * sum_k (u - zero) a  -  min[r] * sum_k a)
// The two inner sums are exact integers, so levels differ by the rounding of f32 sums only. A row's result does not
// depend on the other rows of the batch.
namespace patina::kernels {
namespace {

// Bytes that the reading of weights runs ahead of their use while they stream from memory: enough to cover the latency
// at the machine's bandwidth, below what the first-level cache drops again.
constexpr int64_t kPrefetchBytes = 2048;
// Up to this many tokens a tile's time goes into waiting for memory.
constexpr int kStreamingTokens = 4;

template <typename Isa>
[[gnu::always_inline]] inline typename Isa::Ints load_correction(const uint8_t* neg_sum, int zero_log2) {
  if (zero_log2 == kNoZero) return Isa::zero_ints();
  return Isa::scale_by_power(Isa::broadcast_int(reinterpret_cast<const int32_t*>(neg_sum)), zero_log2);
}

// One k-block for T tokens. `acts` is the block of the quantized activations, `sum` the tokens' results so far.
template <typename Isa, DType kType, int T>
[[gnu::always_inline]] inline void q8_block(const uint8_t* group, int block, const uint8_t* acts,
                                            typename Isa::Floats (&sum)[T]) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kParts = kFormat.halves() ? 2 : 1;
  constexpr int kVectors = kCodeVectors / kParts;
  constexpr int kBlockBytes = kFormat.block_bytes();
  constexpr int kMaxCode = kFormat.table ? 255 : (1 << (kFormat.low_bits + kFormat.high_bits)) - 1;
  typename Isa::Bytes codes[kCodeVectors];
  load_codes<Isa, kType>(group + kFormat.scale_bytes + block * kBlockBytes, codes);
  const auto scales = load_scales<Isa, kType>(group, block);
  const uint8_t* neg_sums = acts + (kParts == 1 ? kActNegSum : kActNegHalf) * T;
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) {
    typename Isa::Floats part;
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) {
      const uint8_t* neg_sum = neg_sums + (p * T + t) * 4;
      const auto* a = reinterpret_cast<const int8_t*>(acts + (p * kVectors * T + t) * 4);
      const auto correction = load_correction<Isa>(neg_sum, kFormat.zero_log2);
      const auto product =
          Isa::to_floats(Isa::template dot<kVectors, kMaxCode>(correction, codes + p * kVectors, a, 4 * T));
      part = p == 0 ? Isa::mul(product, scales.scale[p]) : Isa::fma(product, scales.scale[p], part);
      if constexpr (kFormat.zero_log2 == kNoZero) {
        const auto minus_sum = Isa::to_floats(Isa::broadcast_int(reinterpret_cast<const int32_t*>(neg_sum)));
        part = Isa::fma(minus_sum, scales.min[p], part);
      }
    }
    sum[t] = Isa::fma(part, Isa::broadcast(reinterpret_cast<const float*>(acts + kActScale * T) + t), sum[t]);
  }
}

// All of K for one panel and T tokens; `lanes` rows are stored.
template <typename Isa, DType kType, int T>
void q8_tile(const uint8_t* panel, int64_t blocks, const uint8_t* acts, float* y, int64_t ldy, int lanes) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kGroupBytes = kFormat.group_bytes();
  typename Isa::Floats sum[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) sum[t] = Isa::zero();
  for (int64_t first = 0; first < blocks; first += kFormat.group_blocks) {
    if constexpr (T <= kStreamingTokens) {
      for (int i = 0; i < kGroupBytes; i += kVectorBytes) __builtin_prefetch(panel + kPrefetchBytes + i);
    }
    const int count = blocks - first < kFormat.group_blocks ? static_cast<int>(blocks - first) : kFormat.group_blocks;
#pragma GCC unroll 1
    for (int b = 0; b < count; ++b) {
      q8_block<Isa, kType, T>(panel, b, acts, sum);
      acts += kActBytes * T;
    }
    panel += kGroupBytes;
  }
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) Isa::store_some(y + t * ldy, sum[t], lanes);
}

template <typename Isa, DType kType>
void q8_tokens(const uint8_t* panel, int64_t blocks, const uint8_t* acts, int64_t tokens, float* y, int64_t ldy,
               int lanes) {
  switch (tokens) {
    case 1:
      return q8_tile<Isa, kType, 1>(panel, blocks, acts, y, ldy, lanes);
    case 2:
      return q8_tile<Isa, kType, 2>(panel, blocks, acts, y, ldy, lanes);
    case 3:
      return q8_tile<Isa, kType, 3>(panel, blocks, acts, y, ldy, lanes);
    case 4:
      return q8_tile<Isa, kType, 4>(panel, blocks, acts, y, ldy, lanes);
    case 5:
      return q8_tile<Isa, kType, 5>(panel, blocks, acts, y, ldy, lanes);
    case 6:
      return q8_tile<Isa, kType, 6>(panel, blocks, acts, y, ldy, lanes);
    case 7:
      return q8_tile<Isa, kType, 7>(panel, blocks, acts, y, ldy, lanes);
    default:
      return q8_tile<Isa, kType, 8>(panel, blocks, acts, y, ldy, lanes);
  }
}

template <typename Isa>
void matmul_q8(DType type, const std::byte* packed, int64_t rows, int64_t k, int64_t panel_begin, int64_t panel_end,
               const std::byte* acts, int64_t m, float* y, int64_t ldy) {
  const int64_t blocks = k / kBlockColumns;
  const int64_t bytes = panel_bytes(type, k);
  const auto* group = reinterpret_cast<const uint8_t*>(acts);
  visit_quantized(type, [&]<DType kType>() {
    for (int64_t p = panel_begin; p < panel_end; ++p) {
      const auto* panel = reinterpret_cast<const uint8_t*>(packed) + p * bytes;
      const int64_t left = rows - p * kPanelRows;
      const int lanes = left < kPanelRows ? static_cast<int>(left) : static_cast<int>(kPanelRows);
      for (int64_t t = 0; t < m; t += kActGroup) {
        const int64_t tokens = m - t < kActGroup ? m - t : kActGroup;
        q8_tokens<Isa, kType>(panel, blocks, group + t * blocks * kActBytes, tokens, y + t * ldy + p * kPanelRows, ldy,
                              lanes);
      }
    }
  });
}

}  // namespace
}  // namespace patina::kernels
