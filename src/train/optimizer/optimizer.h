#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace patina::train {

enum class OptimizerKind {
  kAdamW,      // Adam with decoupled weight decay (Loshchilov and Hutter, 2019): two f32 moments
  kAdamW8Bit,  // the same with moments in 8 bits, see BlockQuantizer: a quarter of their memory
  kLion,       // the sign of a momentum (Chen et al., 2023): one f32 moment; wants a rate 3 to 10 times lower
  kSgd,        // with momentum, as torch.optim.SGD has it: one f32 moment; wants a far higher rate
};

// As a user names it: "adamw", "adamw8bit", "lion", "sgd". Empty for an unknown one.
std::optional<OptimizerKind> optimizer_from_name(std::string_view name);
std::string_view optimizer_name(OptimizerKind kind);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdamW;
  std::optional<double> beta1 = std::nullopt;  // share of the old first moment that stays; 0.9
  std::optional<double> beta2 = std::nullopt;  // of the second; 0.999 for Adam, 0.99 for Lion; SGD has none
  double epsilon = 1e-8;                       // Adam's
  double weight_decay = 0;                     // each step takes rate * weight_decay of every weight away

  double first_beta() const { return beta1.value_or(0.9); }
  double second_beta() const { return beta2.value_or(kind == OptimizerKind::kLion ? 0.99 : 0.999); }
};

// A parameter that an optimizer works on.
struct OptimizedParameter {
  size_t size;             // elements
  double rate_factor = 1;  // on the learning rate of every step
};

// An array of an optimizer's state: as long as a multiple of 4 bytes.
struct StateArray {
  std::string_view name;  // "first_moment"
  std::span<std::byte> bytes;
};

// Moves a fixed list of f32 parameters against their gradients. The same gradients give the same weights, bit for bit,
// on one machine. Not thread safe.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One step: parameter i, values[i], goes against gradients[i]. Both have the sizes given at the making.
  void step(std::span<const std::span<float>> values, std::span<const std::span<const float>> gradients,
            double learning_rate);

  // The state of a parameter, views to read or to write: with what another optimizer of the same kind held, and
  // set_steps(), it is as if that one went on.
  virtual std::vector<StateArray> state(size_t parameter) = 0;
  uint64_t steps() const { return steps_; }
  void set_steps(uint64_t steps) { steps_ = steps; }

 protected:
  explicit Optimizer(std::span<const OptimizedParameter> parameters);

 private:
  virtual void update(size_t parameter, std::span<float> value, std::span<const float> gradient, double rate) = 0;

  std::vector<double> rate_factors_;
  uint64_t steps_ = 0;
};

// Throws kInvalidArgument, naming the flag, for options out of range.
std::unique_ptr<Optimizer> make_optimizer(std::span<const OptimizedParameter> parameters,
                                          const OptimizerOptions& options);

// Bytes of state for so many elements, about.
uint64_t optimizer_bytes(OptimizerKind kind, uint64_t elements);

}  // namespace patina::train
