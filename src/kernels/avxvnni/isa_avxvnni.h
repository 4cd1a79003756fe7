#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/avx2/isa_avx2.h"

namespace patina::kernels {
namespace {

// AVX2 but for the integer products: what stands here hides what Avx2Isa has under the same name. `Products` forms and
// adds them in one step, AvxVnniProducts by its instructions, the tests' by several of AVX2.
//
// Two instructions begin in a cycle and end 4 or 5 cycles later, so 8 to 10 sums must be under way: kPairTile and
// kQuadTile stay 6, 12 sums, 2 weights and a broadcast in 16 registers.
template <typename Products>
struct VnniIsa : Avx2Isa {
  static constexpr bool kSignedBytes = false;
  static constexpr bool kWholeFactors = false;
  static constexpr bool kIntegerStarts = true;
  static constexpr bool kPairStarts = false;
  // 8 sums, 2 weights and a broadcast. What these leave idle, the next tokens' sums take up out of order. 5 or 6 tokens
  // would fit the registers but not divide the 8 of a tile.
  static constexpr int dot_tokens(int /*max_code*/, int /*added*/) { return 4; }

  static Ints broadcast_int(const int32_t* from) { return {_mm256_set1_epi32(*from), _mm256_set1_epi32(*from)}; }
  static Floats as_floats(const Ints& v) { return {_mm256_castsi256_ps(v.low), _mm256_castsi256_ps(v.high)}; }
  template <int kFirst, int kVectors, int kMaxCode, bool kFresh, int N, typename Codes>
  [[gnu::always_inline]] static void dot(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride) {
    if constexpr (kFresh) {
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[n] = zero_ints();
    }
    each_product<kFirst, kVectors, N>(codes, a, stride,
                                      [&](int n, const Bytes& code, __m256i word) __attribute__((always_inline)) {
                                        sum[n].low = Products::add_bytes(sum[n].low, code.low, word);
                                        sum[n].high = Products::add_bytes(sum[n].high, code.high, word);
                                      });
  }

  // Kept, or g++ would store every sum in every step.
  static void add_pair_products(Ints& sum, const Bytes& pairs, const int16_t* factors) {
    const __m256i word = broadcast_word(reinterpret_cast<const int8_t*>(factors));
    sum.low = kept(Products::add_pairs(sum.low, pairs.low, word));
    sum.high = kept(Products::add_pairs(sum.high, pairs.high, word));
  }

  // Sums of 32 bits.
  static constexpr int quad_run(int /*code_bits*/) { return 16; }
  static void add_quad_products(Ints& sum, const Bytes& weights, const uint8_t* quad) {
    const __m256i word = broadcast_word(reinterpret_cast<const int8_t*>(quad));
    sum.low = kept(Products::add_bytes(sum.low, word, weights.low));
    sum.high = kept(Products::add_bytes(sum.high, word, weights.high));
  }
  static void store_negated_quads(Ints sum, uint8_t* to) {
    const __m256i none = _mm256_setzero_si256();
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm256_sub_epi32(none, sum.low));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + 32), _mm256_sub_epi32(none, sum.high));
  }
  static Ints quad_totals(Ints sum) { return sum; }
};

}  // namespace
}  // namespace patina::kernels
