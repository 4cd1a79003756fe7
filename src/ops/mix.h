#pragma once

#include <cstdint>

namespace patina::ops {

// SplitMix64 (Steele, Lea, Flood, 2014): a well-mixed number for each position.
inline uint64_t mix(uint64_t z) {
  z += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace patina::ops
