#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/split_mix.h"

// Internal to this folder.
namespace patina::adapter {

// A number of the standard normal distribution made of two random ones (Box and Muller, 1958).
inline float normal_number(uint64_t first, uint64_t second) {
  const double u = (static_cast<double>(first >> 11) + 0.5) * 0x1p-53;
  const double v = static_cast<double>(second >> 11) * 0x1p-53;
  return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
}

inline float normal_number(SplitMix& random) {
  const uint64_t first = random.next();
  return normal_number(first, random.next());
}

}  // namespace patina::adapter
