#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace patina::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  // decoupled: each step takes lr * weight_decay of every weight away
};

// Adam with bias correction and decoupled weight decay (Loshchilov and Hutter, 2019) over a fixed list of parameters of
// f32. Keeps two moments of each parameter's size. The same gradients give the same weights, bit for bit, on one
// machine. Not thread safe.
class AdamW {
 public:
  // `sizes`: the number of elements of each parameter.
  AdamW(std::span<const size_t> sizes, AdamWOptions options);

  // One step: parameter i, values[i], goes against gradients[i]. Both have the sizes given above.
  void step(std::span<const std::span<float>> values, std::span<const std::span<const float>> gradients,
            double learning_rate);

  // The state: it is as if `steps` steps had been made once these are set.
  uint64_t steps() const { return steps_; }
  void set_steps(uint64_t steps) { steps_ = steps; }
  std::span<float> first_moment(size_t parameter) { return first_[parameter]; }
  std::span<float> second_moment(size_t parameter) { return second_[parameter]; }

 private:
  AdamWOptions options_;
  uint64_t steps_ = 0;
  std::vector<std::vector<float>> first_;
  std::vector<std::vector<float>> second_;
};

// The Euclidean norm of all gradients together, summed in f64 in the order of the list.
double global_norm(std::span<const std::span<const float>> gradients);

// Scales all gradients by max_norm / norm if their global norm exceeds max_norm. Returns the norm before; nothing is
// changed where it is not finite.
double clip_global_norm(std::span<const std::span<float>> gradients, double max_norm);

}  // namespace patina::train
