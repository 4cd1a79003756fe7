#pragma once

#include <span>

namespace patina::train {

// The Euclidean norm of all gradients together, summed in f64 in the order of the list.
double global_norm(std::span<const std::span<const float>> gradients);

// Scales all gradients by max_norm / norm if their global norm exceeds max_norm; 0: never. Returns the norm before;
// nothing is changed where it is not finite.
double clip_global_norm(std::span<const std::span<float>> gradients, double max_norm);

}  // namespace patina::train
