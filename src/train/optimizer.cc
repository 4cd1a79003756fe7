#include "train/optimizer.h"

#include <cmath>

namespace patina::train {

AdamW::AdamW(std::span<const size_t> sizes, AdamWOptions options) : options_(options) {
  first_.reserve(sizes.size());
  second_.reserve(sizes.size());
  for (const size_t size : sizes) {
    first_.emplace_back(size);
    second_.emplace_back(size);
  }
}

void AdamW::step(std::span<const std::span<float>> values, std::span<const std::span<const float>> gradients,
                 double learning_rate) {
  ++steps_;
  const auto steps = static_cast<double>(steps_);
  const double first_correction = 1 - std::pow(options_.beta1, steps);
  const double second_correction = std::sqrt(1 - std::pow(options_.beta2, steps));
  const auto keep = static_cast<float>(1 - learning_rate * options_.weight_decay);
  const auto rate = static_cast<float>(learning_rate / first_correction);
  const auto scale = static_cast<float>(1 / second_correction);
  const auto epsilon = static_cast<float>(options_.epsilon);
  const auto beta1 = static_cast<float>(options_.beta1);
  const auto beta2 = static_cast<float>(options_.beta2);
  const auto rest1 = static_cast<float>(1 - options_.beta1);
  const auto rest2 = static_cast<float>(1 - options_.beta2);
  for (size_t p = 0; p < values.size(); ++p) {
    const std::span<float> value = values[p];
    const std::span<const float> gradient = gradients[p];
    std::vector<float>& first = first_[p];
    std::vector<float>& second = second_[p];
    for (size_t i = 0; i < value.size(); ++i) {
      const float g = gradient[i];
      first[i] = beta1 * first[i] + rest1 * g;
      second[i] = beta2 * second[i] + rest2 * g * g;
      value[i] = keep * value[i] - rate * first[i] / (std::sqrt(second[i]) * scale + epsilon);
    }
  }
}

double global_norm(std::span<const std::span<const float>> gradients) {
  double squares = 0;
  for (const std::span<const float> gradient : gradients) {
    for (const float g : gradient) squares += static_cast<double>(g) * g;
  }
  return std::sqrt(squares);
}

double clip_global_norm(std::span<const std::span<float>> gradients, double max_norm) {
  const std::vector<std::span<const float>> constant(gradients.begin(), gradients.end());
  const double norm = global_norm(constant);
  if (!std::isfinite(norm) || norm <= max_norm) return norm;
  const auto scale = static_cast<float>(max_norm / norm);
  for (const std::span<float> gradient : gradients) {
    for (float& g : gradient) g *= scale;
  }
  return norm;
}

}  // namespace patina::train
