#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "base/half.h"

namespace patina::kernels {
namespace {

// Sixteen floats; the vector type of generic/elementwise.h, generic/sgemm.h and generic/kv_tile.h.
struct Avx512Vec {
  using F = __m512;
  static constexpr int kWidth = 16;
  // 24 sums and 2 vectors of B in 32 registers; factors of A are broadcast by the multiplication itself.
  static constexpr int kTileRows = 12;
  static constexpr int kTileVectors = 2;

  static F set(float v) { return _mm512_set1_ps(v); }
  static F load(const float* from) { return _mm512_loadu_ps(from); }
  static F load_some(const float* from, int lanes) { return _mm512_maskz_loadu_ps(first(lanes), from); }
  static void store(float* to, F v) { _mm512_storeu_ps(to, v); }
  static void store_some(float* to, F v, int lanes) { _mm512_mask_storeu_ps(to, first(lanes), v); }
  static F select_first(F v, F other, int lanes) { return _mm512_mask_blend_ps(first(lanes), other, v); }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F round(F v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static F scale_by_power_of_2(F v, F n) { return _mm512_scalef_ps(v, n); }

  static float reduce_add(F v) { return _mm512_reduce_add_ps(v); }
  static float reduce_max(F v) { return _mm512_reduce_max_ps(v); }

  // a0 b0 a1 b1 ... and its inverse.
  static F zip_low(F a, F b) {
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
  }
  static F zip_high(F a, F b) {
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
                                  b);
  }
  static F even(F low, F high) {
    return _mm512_permutex2var_ps(low, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
                                  high);
  }
  static F odd(F low, F high) {
    return _mm512_permutex2var_ps(low, _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31),
                                  high);
  }

  static F load_half(const f16* from) { return _mm512_cvtph_ps(load_16_bits(from)); }
  static F load_signed_bytes(const std::byte* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }
  static void store_half(f16* to, F v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }

 private:
  static __mmask16 first(int lanes) { return static_cast<__mmask16>((1U << static_cast<unsigned>(lanes)) - 1U); }
  static __m256i load_16_bits(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
};

}  // namespace
}  // namespace patina::kernels
