#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512/isa_avx512.h"

namespace patina::kernels {
namespace {

// AVX-512, and what goes into tiles.
struct AmxIsa : Avx512Isa {
  // 16 numbers and 16 more, each rounded to bf16.
  static void store_bf16(uint16_t* to, Floats first, Floats second) {
    _mm512_store_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first)));
  }
  // The same in turns: to[2 r] = first[r], to[2 r + 1] = second[r].
  static void store_bf16_pairs(uint16_t* to, Floats first, Floats second) {
    const __m512i halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i turns = _mm512_or_si512(lanes, _mm512_slli_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32(16)), 16));
    _mm512_store_si512(to, _mm512_permutexvar_epi16(turns, halves));
  }
};

}  // namespace
}  // namespace patina::kernels
