#include "train/schedule.h"

#include <cmath>
#include <numbers>

namespace patina::train {

double Schedule::at(uint64_t step) const {
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (step >= steps) return minimum;
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
  return minimum + (peak - minimum) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace patina::train
