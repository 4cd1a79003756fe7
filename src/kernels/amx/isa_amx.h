#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512/bf16.h"
#include "kernels/avx512/isa_avx512.h"

namespace patina::kernels {
namespace {

// AVX-512, and what goes into tiles.
struct AmxIsa : Avx512Isa {
  // 16 numbers and 16 more, each rounded to bf16.
  static void store_bf16(uint16_t* to, Floats first, Floats second) {
    _mm512_store_si512(to, bf16_vector(first, second));
  }
  // The same in turns: to[2 r] = first[r], to[2 r + 1] = second[r].
  static void store_bf16_pairs(uint16_t* to, Floats first, Floats second) {
    _mm512_store_si512(to, bf16_in_turns(first, second));
  }
};

}  // namespace
}  // namespace patina::kernels
