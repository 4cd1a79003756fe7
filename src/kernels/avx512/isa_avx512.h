#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/packed_layout.h"
#include "kernels/prefetch.h"

// The vectors of kernels/scalar/isa_scalar.h in one 512-bit register each.
namespace patina::kernels {
namespace {

struct Avx512Isa {
  using Bytes = __m512i;
  using Ints = __m512i;
  using Floats = __m512;
  // Independent sums that keep one multiply-add a cycle in flight (its latency is 4), with registers to spare.
  static constexpr int kFloatTile = 8;
  // Two of vpdpwssd a cycle, five cycles each, would take 10; 16 share a load of weights and divide blocks of tokens.
  static constexpr int kPairTile = 16;
  // As kPairTile: two of vpdpbusd a cycle, and two loads, of which each takes one.
  static constexpr int kQuadTile = 16;
  static constexpr int quad_run(int /*code_bits*/) { return 16; }
  static constexpr uint8_t kQuadExcess = 128;
  // Products of many tokens leave no time to wait for the second-level cache.
  static constexpr Prefetch prefetch(int /*low_bits*/, int tokens) {
    return tokens < 8 ? Prefetch{7168, 2} : Prefetch{4096, 1};
  }
  static constexpr bool kInlineCodes = true;
  static constexpr bool kSignedBytes = false;
  static constexpr bool kWholeFactors = false;
  static constexpr bool kIntegerStarts = true;
  static constexpr bool kPairStarts = false;
  static constexpr bool kPairsColumns = false;
  // 8 sums at a time, and beside them 8 sums in f32, up to 8 vectors of codes and the scales; where results of two
  // parts are added, that of the first takes as many registers as the sums.
  static constexpr int dot_tokens(int /*max_code*/, int added) { return added == 1 ? 8 : 4; }

  static Bytes load_bytes(const uint8_t* from) { return _mm512_load_si512(from); }
  static Bytes mask(Bytes v, uint8_t m) { return _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(m))); }
  template <int kBits>
  static Bytes shift_left(Bytes v) {
    if constexpr (kBits == 0) return v;
    return _mm512_slli_epi32(v, kBits);
  }
  template <int kBits>
  static Bytes shift_right(Bytes v) {
    return _mm512_srli_epi32(v, kBits);
  }
  static Bytes merge(Bytes a, Bytes b) { return _mm512_or_si512(a, b); }
  static Bytes look_up(Bytes indices) {
    const __m128i table = _mm_load_si128(reinterpret_cast<const __m128i*>(kTableCodes));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), indices);
  }
  template <int kByte>
  static Ints byte(Bytes v) {
    return _mm512_and_si512(_mm512_srli_epi32(v, 8 * kByte), _mm512_set1_epi32(255));
  }

  static Ints zero_ints() { return _mm512_setzero_si512(); }
  static Ints broadcast_int(const int32_t* from) { return _mm512_set1_epi32(*from); }
  static Ints subtract(Ints v, int32_t amount) { return _mm512_sub_epi32(v, _mm512_set1_epi32(amount)); }
  static Ints bits(Ints v, int shift, int32_t keep) {
    return _mm512_and_si512(_mm512_srli_epi32(v, static_cast<unsigned>(shift)), _mm512_set1_epi32(keep));
  }
  static Ints six_bit(Ints low, Ints high) { return subtract(_mm512_or_si512(low, _mm512_slli_epi32(high, 4)), 32); }
  static Ints load_u8(const uint8_t* from) {
    return _mm512_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static Ints load_i8(const uint8_t* from) {
    return _mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
  }
  template <int kFirst, int kVectors, int kMaxCode, bool kFresh, int N, typename Codes>
  [[gnu::always_inline]] static void dot(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride) {
    if constexpr (kFresh) {
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[n] = zero_ints();
    }
#pragma GCC unroll 8
    for (int i = kFirst; i < kFirst + kVectors; ++i) {
      const Bytes vector = codes[i];
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        // What _mm512_dpbusd_epi32 and _mm512_set1_epi32 are, which g++ makes two instructions of.
        const auto* word = reinterpret_cast<const int32_t*>(a + i * stride + 4 * n);
        asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum[n]) : "v"(vector), "m"(*word));
      }
    }
  }

  static void add_pair_products(Ints& sum, const Bytes& pairs, const int16_t* factors) {
    const auto* word = reinterpret_cast<const int32_t*>(factors);
    asm("vpdpwssd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(pairs), "m"(*word));
  }

  // Of rows 4q..4q+3 in quarter q of a register: of their first and their second pair.
  struct PairFactors {
    __m512i even, odd;
  };
  static PairFactors load_pair_factors(const int16_t* from) {
    const __m512i rows = _mm512_castsi256_si512(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
    const __m512i quads = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), rows);
    return {_mm512_shuffle_epi32(quads, _MM_PERM_AAAA), _mm512_shuffle_epi32(quads, _MM_PERM_BBBB)};
  }
  template <int kShift>
  static void store_pairs(Bytes codes, const PairFactors& factors, const PairFactors& offsets, int16_t* to) {
    const __m512i order = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15));  // bytes of two rows alternate
    const __m512i bytes = _mm512_shuffle_epi8(codes, order);
    const auto store = [](__m512i codes16, __m512i factor, __m512i offset, int16_t* first)
                           __attribute__((always_inline)) {
                             const __m512i product = _mm512_mulhrs_epi16(_mm512_slli_epi16(codes16, kShift), factor);
                             const __m512i pairs = _mm512_srai_epi16(_mm512_sub_epi16(product, offset), 2);
                             auto* out = reinterpret_cast<__m128i*>(first);
                             _mm_store_si128(out, _mm512_castsi512_si128(pairs));
                             _mm_store_si128(out + 8, _mm512_extracti32x4_epi32(pairs, 1));  // two pairs on
                             _mm_store_si128(out + 16, _mm512_extracti32x4_epi32(pairs, 2));
                             _mm_store_si128(out + 24, _mm512_extracti32x4_epi32(pairs, 3));
                           };
    store(_mm512_unpacklo_epi8(bytes, _mm512_setzero_si512()), factors.even, offsets.even, to);
    store(_mm512_unpackhi_epi8(bytes, _mm512_setzero_si512()), factors.odd, offsets.odd, to + 2 * kPanelRows);
  }

  static void store_quads(Bytes codes, int8_t zero, int8_t* to) {
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m512i quads = _mm512_sub_epi8(_mm512_shuffle_epi8(codes, order), _mm512_set1_epi8(zero));
    auto* out = reinterpret_cast<__m128i*>(to);
    _mm_store_si128(out, _mm512_castsi512_si128(quads));
    _mm_store_si128(out + 4, _mm512_extracti32x4_epi32(quads, 1));
    _mm_store_si128(out + 16, _mm512_extracti32x4_epi32(quads, 2));
    _mm_store_si128(out + 20, _mm512_extracti32x4_epi32(quads, 3));
  }
  // The factor that an instruction can broadcast is the signed one, which here are the weights.
  static void add_quad_products(Ints& sum, const Bytes& weights, const uint8_t* quad) {
    add_byte_products(sum, broadcast_bytes(quad), weights);
  }
  static Bytes broadcast_bytes(const void* from) {
    int32_t word = 0;
    __builtin_memcpy(&word, from, sizeof(word));
    return _mm512_set1_epi32(word);
  }
  // To each lane of `sum` the products of the four bytes of `a`, without sign, and of `b`.
  static void add_byte_products(Ints& sum, Bytes a, Bytes b) {
    // g++ would copy every sum before it is added to.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  }
  static Ints load_quad_sums(const uint8_t* from) { return _mm512_load_si512(from); }
  static void store_negated_quads(Ints sum, uint8_t* to) {
    _mm512_store_si512(to, _mm512_sub_epi32(_mm512_setzero_si512(), sum));
  }
  static Ints quad_totals(Ints sum) { return sum; }

  // Panels 0 and 2 of a group, and the others, so that packing leaves 8 rows of one panel beside 8 of the next.
  struct Group {
    __m512i even, odd;
  };
  static constexpr int64_t panel_place(int64_t panel) { return panel / 2 + panel % 2 * 2; }
  static Group load_group(const int16_t* from) { return {_mm512_loadu_si512(from), _mm512_loadu_si512(from + 32)}; }
  static void scale_group(const Group& gradients, const Group& factors, uint8_t* to) {
    const __m512i half_and_excess = _mm512_set1_epi16(static_cast<int16_t>((kQuadExcess << 8) + (1 << 7)));
    const auto scaled = [&](__m512i gradient, __m512i factor) __attribute__((always_inline)) {
      return _mm512_srli_epi16(_mm512_add_epi16(_mm512_mulhrs_epi16(gradient, factor), half_and_excess), 8);
    };
    _mm512_store_si512(to,
                       _mm512_packus_epi16(scaled(gradients.even, factors.even), scaled(gradients.odd, factors.odd)));
  }
  static Ints group_products(const Group& a, const Group& b) {
    return _mm512_add_epi32(_mm512_madd_epi16(a.even, b.even), _mm512_madd_epi16(a.odd, b.odd));
  }

  static Floats zero() { return _mm512_setzero_ps(); }
  static Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
  static Floats as_floats(Ints v) { return _mm512_castsi512_ps(v); }
  static Floats load(const float* from) { return _mm512_loadu_ps(from); }
  static Floats load_some(const float* from, int lanes) { return _mm512_maskz_loadu_ps(first(lanes), from); }
  static Floats load_f16(const uint8_t* from) {
    return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static Floats load_bf16(const uint8_t* from) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  static Floats broadcast(const float* from) { return _mm512_set1_ps(*from); }
  static void store(float* to, Floats v) { _mm512_storeu_ps(to, v); }
  static void store_some(float* to, Floats v, int lanes) { _mm512_mask_storeu_ps(to, first(lanes), v); }
  static Floats negate(Floats v) { return _mm512_xor_ps(v, _mm512_set1_ps(-0.0F)); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }

  static void transpose(const float* in, float* out) {
    // Rows 4g..4g+3 of `in` are transposed within 128-bit lanes; then lanes are gathered across the four g.
    __m512 part[4][4];
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
      const float* rows = in + 4 * g * kPanelRows;
      const __m512 ab_low = _mm512_unpacklo_ps(load(rows), load(rows + kPanelRows));
      const __m512 ab_high = _mm512_unpackhi_ps(load(rows), load(rows + kPanelRows));
      const __m512 cd_low = _mm512_unpacklo_ps(load(rows + 2 * kPanelRows), load(rows + 3 * kPanelRows));
      const __m512 cd_high = _mm512_unpackhi_ps(load(rows + 2 * kPanelRows), load(rows + 3 * kPanelRows));
      part[g][0] = _mm512_shuffle_ps(ab_low, cd_low, 0x44);
      part[g][1] = _mm512_shuffle_ps(ab_low, cd_low, 0xEE);
      part[g][2] = _mm512_shuffle_ps(ab_high, cd_high, 0x44);
      part[g][3] = _mm512_shuffle_ps(ab_high, cd_high, 0xEE);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {  // part[g][i]: 128-bit lane q holds column 4q + i, rows 4g..4g+3
      const __m512 low01 = _mm512_shuffle_f32x4(part[0][i], part[1][i], 0x44);
      const __m512 high01 = _mm512_shuffle_f32x4(part[0][i], part[1][i], 0xEE);
      const __m512 low23 = _mm512_shuffle_f32x4(part[2][i], part[3][i], 0x44);
      const __m512 high23 = _mm512_shuffle_f32x4(part[2][i], part[3][i], 0xEE);
      store(out + i * kPanelRows, _mm512_shuffle_f32x4(low01, low23, 0x88));
      store(out + (4 + i) * kPanelRows, _mm512_shuffle_f32x4(low01, low23, 0xDD));
      store(out + (8 + i) * kPanelRows, _mm512_shuffle_f32x4(high01, high23, 0x88));
      store(out + (12 + i) * kPanelRows, _mm512_shuffle_f32x4(high01, high23, 0xDD));
    }
  }

 private:
  static __mmask16 first(int lanes) { return static_cast<__mmask16>((1U << static_cast<unsigned>(lanes)) - 1U); }
};

}  // namespace
}  // namespace patina::kernels
