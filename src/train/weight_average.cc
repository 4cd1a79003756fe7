#include "train/weight_average.h"

#include <algorithm>

#include "base/error.h"

namespace patina::train {

WeightAverage::WeightAverage(std::span<const std::span<float>> values, double decay) : decay_(decay) {
  const bool possible = decay >= 0 && decay < 1;
  if (!possible) fail(ErrorKind::kInvalidArgument, "--ema must be at least 0 and below 1");
  if (!enabled()) return;
  for (const std::span<float> value : values) averages_.emplace_back(value.begin(), value.end());
}

void WeightAverage::update(std::span<const std::span<float>> values, uint64_t step) {
  const auto t = static_cast<double>(step);
  const auto keep = static_cast<float>(std::min(decay_, (1 + t) / (10 + t)));
  for (size_t i = 0; i < averages_.size(); ++i) {
    std::ranges::transform(averages_[i], values[i], averages_[i].begin(),
                           [keep](float average, float value) { return keep * average + (1 - keep) * value; });
  }
}

void WeightAverage::swap(std::span<const std::span<float>> values) {
  for (size_t i = 0; i < averages_.size(); ++i) std::ranges::swap_ranges(averages_[i], values[i]);
}

}  // namespace patina::train
