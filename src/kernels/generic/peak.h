#pragma once

#include <cstdint>

#include "kernels/peak.h"

namespace patina::kernels {
namespace {

// A vector type of vec_*.h as a unit of peak().
template <typename V>
struct FloatUnit {
  using Vector = typename V::F;
  static constexpr int kProducts = V::kWidth;
  static constexpr int kSums = V::kTileRows * V::kTileVectors;
  static Vector set(int64_t value) { return V::set(1.0F / static_cast<float>(value)); }
  static void multiply_add(Vector& sum, Vector a, Vector b) { sum = V::fma(a, b, sum); }
};

// Unit: an instruction (or two) that multiplies kProducts pairs and adds them to a sum, of which kSums and two factors
// fit the registers. The values hardly matter, but no two sums may be the same: the compiler would form only one.
template <typename Unit>
int64_t peak(int64_t rounds) {
  typename Unit::Vector sums[Unit::kSums];
#pragma GCC unroll 32
  for (int i = 0; i < Unit::kSums; ++i) sums[i] = Unit::set(i + 1);
  const auto a = Unit::set(rounds);
  const auto b = Unit::set(rounds + 1);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (int i = 0; i < Unit::kSums; ++i) Unit::multiply_add(sums[i], a, b);
  }
  typename Unit::Vector results[Unit::kSums];
#pragma GCC unroll 32
  for (int i = 0; i < Unit::kSums; ++i) results[i] = sums[i];
  asm volatile("" : : "r"(results) : "memory");  // somebody might read them
  return rounds * Unit::kSums * Unit::kProducts;
}

}  // namespace
}  // namespace patina::kernels
