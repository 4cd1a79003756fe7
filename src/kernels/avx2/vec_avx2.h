#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "base/half.h"

namespace patina::kernels {
namespace {

// Eight floats; the vector type of generic/elementwise.h, generic/sgemm.h and generic/kv_tile.h.
struct Avx2Vec {
  using F = __m256;
  static constexpr int kWidth = 8;
  // 12 sums, 2 vectors of B and a broadcast in 16 registers.
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 2;

  static F set(float v) { return _mm256_set1_ps(v); }
  static F load(const float* from) { return _mm256_loadu_ps(from); }
  static F load_some(const float* from, int lanes) { return _mm256_maskload_ps(from, first(lanes)); }
  static void store(float* to, F v) { _mm256_storeu_ps(to, v); }
  static void store_some(float* to, F v, int lanes) { _mm256_maskstore_ps(to, first(lanes), v); }
  static F select_first(F v, F other, int lanes) {
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(first(lanes)));
  }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F round(F v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // v * 2^n for whole n in -151..129, in two steps so that either end rounds or overflows as a product does.
  static F scale_by_power_of_2(F v, F n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(v, power_of_2(half)), power_of_2(_mm256_sub_epi32(whole, half)));
  }

  static float reduce_add(F v) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }
  static float reduce_max(F v) {
    __m128 top = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    top = _mm_max_ps(top, _mm_movehl_ps(top, top));
    return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
  }

  // a0 b0 a1 b1 ... and its inverse.
  static F zip_low(F a, F b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
  }
  static F zip_high(F a, F b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
  }
  static F even(F low, F high) { return in_order(_mm256_shuffle_ps(low, high, 0x88)); }
  static F odd(F low, F high) { return in_order(_mm256_shuffle_ps(low, high, 0xDD)); }

  static F load_half(const f16* from) { return _mm256_cvtph_ps(load_16_bits(from)); }
  static F load_signed_bytes(const std::byte* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static void store_half(f16* to, F v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }

 private:
  static __m256i first(int lanes) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static F power_of_2(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static F in_order(F v) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0xD8)); }
  static __m128i load_16_bits(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
};

}  // namespace
}  // namespace patina::kernels
