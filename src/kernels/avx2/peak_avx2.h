#pragma once

#include <immintrin.h>

#include <cstdint>

// What units of generic/peak.h with integers in 256-bit registers share.
namespace patina::kernels {
namespace {

struct ByteVectors {
  using Vector = __m256i;
  static constexpr int kProducts = 32;
  static constexpr int kSums = 12;
  static Vector set(int64_t value) { return _mm256_set1_epi8(static_cast<char>(value)); }
};

struct PairVectors {
  using Vector = __m256i;
  static constexpr int kProducts = 16;
  static constexpr int kSums = 12;
  static Vector set(int64_t value) { return _mm256_set1_epi16(static_cast<int16_t>(value)); }
};

}  // namespace
}  // namespace patina::kernels
