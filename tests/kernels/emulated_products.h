#pragma once

#include <immintrin.h>

// For the translation units of emulated levels, which are compiled for AVX2.
namespace patina::kernels {
namespace {

// AvxVnniProducts, exactly: products of 16 bits each, whose sums in pairs fit 32.
struct EmulatedProducts {
  static __m256i add_bytes(__m256i sum, __m256i codes, __m256i factors) {
    const __m256i even_codes = _mm256_and_si256(codes, _mm256_set1_epi16(255));
    const __m256i even_factors = _mm256_srai_epi16(_mm256_slli_epi16(factors, 8), 8);
    const __m256i even = _mm256_madd_epi16(even_codes, even_factors);
    const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(codes, 8), _mm256_srai_epi16(factors, 8));
    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
  }
  static __m256i add_pairs(__m256i sum, __m256i pairs, __m256i factors) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, factors));
  }
};

}  // namespace
}  // namespace patina::kernels
