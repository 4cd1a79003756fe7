#include "train/clipping.h"

#include <cmath>
#include <vector>

namespace patina::train {

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
  if (!std::isfinite(norm) || max_norm == 0 || norm <= max_norm) return norm;
  const auto scale = static_cast<float>(max_norm / norm);
  for (const std::span<float> gradient : gradients) {
    for (float& g : gradient) g *= scale;
  }
  return norm;
}

}  // namespace patina::train
