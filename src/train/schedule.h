#pragma once

#include <cstdint>

namespace patina::train {

// The learning rate over a run: linear warm-up to the peak, then half a cosine down to the minimum. The first step
// already learns (at 1/warmup of the peak), the first step after warm-up has the peak, and the minimum would be reached
// by the step after the last.
struct Schedule {
  double peak;
  uint64_t steps;       // of the whole run
  uint64_t warmup = 0;  // steps; 0: none
  double minimum = 0;

  // For a step from 0; past the end of the run the minimum.
  double at(uint64_t step) const;
};

}  // namespace patina::train
