#pragma once

#include <immintrin.h>

namespace patina::kernels {
namespace {

// What AVX-VNNI adds to AVX2: products and their sums in one instruction, encoded for 16 registers.
struct AvxVnniProducts {
  // In each lane of 32 bits: sum + the four products of its unsigned and its signed bytes, vpdpbusd.
  static __m256i add_bytes(__m256i sum, __m256i codes, __m256i factors) {
    return _mm256_dpbusd_avx_epi32(sum, codes, factors);
  }
  // The same of its two pairs of signed integers of 16 bits, vpdpwssd.
  static __m256i add_pairs(__m256i sum, __m256i pairs, __m256i factors) {
    return _mm256_dpwssd_avx_epi32(sum, pairs, factors);
  }
};

}  // namespace
}  // namespace patina::kernels
