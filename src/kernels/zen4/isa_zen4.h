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
  // For one token the processor foresees better; with three and more it comes by new lines too seldom.
  static constexpr int64_t prefetch_bytes(int /*low_bits*/, int tokens) { return tokens < 3 ? 0 : 4096; }

  static Bytes add_bytes(Bytes a, Bytes b) { return _mm512_add_epi8(a, b); }
  static Bytes add_to_bytes(Bytes v, int amount) {
    return _mm512_add_epi8(v, _mm512_set1_epi8(static_cast<char>(amount)));
  }
  static Ints add_ints(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
  static Ints negate_ints(Ints v) { return _mm512_sub_epi32(_mm512_setzero_si512(), v); }
};

}  // namespace
}  // namespace patina::kernels
