#pragma once

#include <cstdint>

namespace patina {

// SplitMix64 (Steele, Lea and Flood, 2014, "Fast splittable pseudorandom number generators"): the same numbers on every
// machine.

constexpr uint64_t kSplitMixStep = 0x9E3779B97F4A7C15U;

// A well-mixed number for each position.
constexpr uint64_t mix(uint64_t position) {
  uint64_t z = position + kSplitMixStep;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

// One after the other.
class SplitMix {
 public:
  explicit SplitMix(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    const uint64_t number = mix(state_);
    state_ += kSplitMixStep;
    return number;
  }

 private:
  uint64_t state_;
};

}  // namespace patina
