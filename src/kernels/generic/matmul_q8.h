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

// How far the reading of weights runs ahead of their use: enough to cover the latency of memory at its bandwidth.
constexpr int64_t kPrefetchBytes = 4096;

template <int kBytes>
[[gnu::always_inline]] inline void prefetch(const uint8_t* from) {
#pragma GCC unroll 8
  for (int i = 0; i < kBytes; i += kVectorBytes) __builtin_prefetch(from + i);
}

template <DType kType>
constexpr int max_code() {
  constexpr PackedFormat kFormat = packed_format(kType);
  return kFormat.table || kFormat.low_bits == 8 ? 255 : (1 << (kFormat.low_bits + kFormat.high_bits)) - 1;
}

// Levels that multiply signed bytes take codes above 127 as u - 128, which is the zero point of the types that have
// such codes.
template <typename Isa, DType kType>
constexpr bool kSignedCodes = Isa::kSignedBytes && max_code<kType>() == 255;

// One k-block for tokens t .. t + N - 1 of T. `acts` is the block of the quantized activations, `sum` the results so
// far of those N tokens.
template <typename Isa, DType kType, int T, int N>
[[gnu::always_inline]] inline void q8_block_tokens(const typename Isa::Bytes* codes, const auto& scales,
                                                   const uint8_t* acts, int t, typename Isa::Floats* sum) {
  constexpr int kParts = packed_format(kType).halves() ? 2 : 1;
  constexpr int kVectors = kCodeVectors / kParts;
  constexpr int kZeroLog2 = packed_format(kType).zero_log2;
  // Where dot's sums start, or added to them later where early values would only fill registers.
  constexpr bool kCorrected = kZeroLog2 != kNoZero && !kSignedCodes<Isa, kType>;
  constexpr bool kStart = kCorrected && Isa::kDotStartsAnywhere;
  const auto correction = [](const int32_t* neg_sum, int n) __attribute__((always_inline)) {
    return Isa::scale_by_power(Isa::broadcast_int(neg_sum + n), kCorrected ? kZeroLog2 : 0);
  };
  typename Isa::Floats result[N];
#pragma GCC unroll 2
  for (int p = 0; p < kParts; ++p) {
    const auto* neg_sum =
        reinterpret_cast<const int32_t*>(acts + (kParts == 1 ? kActNegSum : kActNegHalf) * T) + p * T + t;
    typename Isa::Ints products[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) products[n] = kStart ? correction(neg_sum, n) : Isa::zero_ints();
    const auto* a = reinterpret_cast<const int8_t*>(acts + (p * kVectors * T + t) * 4);
    Isa::template dot<kVectors, max_code<kType>(), N>(products, codes + p * kVectors, a, 4 * T);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const auto product =
          Isa::to_floats(kCorrected && !kStart ? Isa::add_ints(products[n], correction(neg_sum, n)) : products[n]);
      result[n] = p == 0 ? Isa::mul(product, scales.scale[p]) : Isa::fma(product, scales.scale[p], result[n]);
      if constexpr (kZeroLog2 == kNoZero) {
        result[n] = Isa::fma(Isa::to_floats(Isa::broadcast_int(neg_sum + n)), scales.min[p], result[n]);
      }
    }
  }
  const auto* d = reinterpret_cast<const float*>(acts + kActScale * T) + t;
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) sum[n] = Isa::fma(result[n], Isa::broadcast(d + n), sum[n]);
}

// One k-block for all T tokens.
template <typename Isa, DType kType, int T>
[[gnu::always_inline]] inline void q8_block(const uint8_t* group, int block, const uint8_t* acts,
                                            typename Isa::Floats (&sum)[T]) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kBlockBytes = kFormat.block_bytes();
  typename Isa::Bytes codes[kCodeVectors];
  load_codes<Isa, kType>(group + kFormat.scale_bytes + block * kBlockBytes, codes);
  if constexpr (kSignedCodes<Isa, kType>) {
#pragma GCC unroll 8
    for (auto& vector : codes) vector = Isa::to_signed(vector);
  }
  const auto scales = load_scales<Isa, kType>(group, block);
  constexpr int kTogether = Isa::kDotTokens;
  constexpr int kRest = T % kTogether;
#pragma GCC unroll 8
  for (int t = 0; t + kTogether <= T; t += kTogether) {
    q8_block_tokens<Isa, kType, T, kTogether>(codes, scales, acts, t, sum + t);
  }
  if constexpr (kRest != 0) {
    q8_block_tokens<Isa, kType, T, kRest>(codes, scales, acts, T - kRest, sum + T - kRest);
  }
}

// All of K for one panel and T tokens; `lanes` rows are stored. Never inlined, so that scripts/check_disassembly.sh
// finds each under its name.
template <typename Isa, DType kType, int T>
[[gnu::noinline]] void q8_tile(const uint8_t* panel, int64_t blocks, const uint8_t* acts, float* y, int64_t ldy,
                               int lanes) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kGroupBytes = kFormat.group_bytes();
  constexpr int kBlockBytes = kFormat.block_bytes();
  typename Isa::Floats sum[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) sum[t] = Isa::zero();
  for (int64_t first = 0; first < blocks; first += kFormat.group_blocks) {
    prefetch<kFormat.scale_bytes>(panel + kPrefetchBytes);
    const int count = blocks - first < kFormat.group_blocks ? static_cast<int>(blocks - first) : kFormat.group_blocks;
#pragma GCC unroll 1
    for (int b = 0; b < count; ++b) {
      // In step with the use: a burst for the whole group would stall on the line buffers.
      prefetch<kBlockBytes>(panel + kFormat.scale_bytes + b * kBlockBytes + kPrefetchBytes);
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
