#pragma once

#include <immintrin.h>

// For the levels that have AVX-512 BF16.
namespace patina::kernels {
namespace {

// 16 numbers and 16 more, each rounded to bf16.
inline __m512i bf16_vector(__m512 first, __m512 second) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

// The same in turns: number 2 i is first[i], number 2 i + 1 is second[i].
inline __m512i bf16_in_turns(__m512 first, __m512 second) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i turns = _mm512_or_si512(lanes, _mm512_slli_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32(16)), 16));
  return _mm512_permutexvar_epi16(turns, bf16_vector(first, second));
}

}  // namespace
}  // namespace patina::kernels
