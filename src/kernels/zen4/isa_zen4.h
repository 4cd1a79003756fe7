#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512/isa_avx512.h"

namespace patina::kernels {
namespace {

// AVX-512 as Zen 4 has it: all multiplications, in integers or not, share two units of 256 bits, while two more add and
// convert. vpdpbusd so runs once a cycle, alone or beside a vpaddb.
struct Zen4Isa : Avx512Isa {
  static constexpr bool kPairsColumns = true;
  // For one token the processor foresees better, and of codes of 8 bits, which lie one after the other in one plane,
  // for up to three; with more it comes by new lines too seldom.
  static constexpr Prefetch prefetch(int low_bits, int tokens) {
    return tokens < (low_bits == 8 ? 4 : 2) ? Prefetch{0, 0} : Prefetch{7168, 2};
  }

  static Bytes add_bytes(Bytes a, Bytes b) { return _mm512_add_epi8(a, b); }
  static Bytes add_to_bytes(Bytes v, int amount) {
    return _mm512_add_epi8(v, _mm512_set1_epi8(static_cast<char>(amount)));
  }
  static Ints add_ints(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
  static Ints negate_ints(Ints v) { return _mm512_sub_epi32(_mm512_setzero_si512(), v); }
};

}  // namespace
}  // namespace patina::kernels
