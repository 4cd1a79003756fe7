#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace patina::train {

// An exponential moving average of weights (Polyak and Juditsky, 1992): after each step, average = decay * average +
// (1 - decay) * weights, where the decay of step t is at most (1 + t) / (10 + t), so that a short run is not held back
// by the weights it began with. Not thread safe.
class WeightAverage {
 public:
  // `decay`: 0 (nothing is kept) to below 1; throws kInvalidArgument otherwise. The average begins as the values.
  WeightAverage(std::span<const std::span<float>> values, double decay);

  bool enabled() const { return decay_ > 0; }
  // `step`: from 1.
  void update(std::span<const std::span<float>> values, uint64_t step);
  // Exchanges the averages with the values.
  void swap(std::span<const std::span<float>> values);
  // The average of value i, to be saved or restored.
  std::span<float> of(size_t i) { return averages_[i]; }

 private:
  double decay_;
  std::vector<std::vector<float>> averages_;  // empty where not enabled
};

}  // namespace patina::train
