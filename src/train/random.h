#pragma once

#include <cstdint>

#include "base/split_mix.h"

namespace patina::train {

// Numbers that are the same on every machine.
class Random : public SplitMix {
 public:
  using SplitMix::SplitMix;

  // Uniform in [0, bound): draws that would favour small numbers are thrown away.
  uint64_t below(uint64_t bound) {
    const uint64_t reject = (0 - bound) % bound;  // 2^64 mod bound
    uint64_t draw = next();
    while (draw < reject) draw = next();
    return draw % bound;
  }
};

}  // namespace patina::train
