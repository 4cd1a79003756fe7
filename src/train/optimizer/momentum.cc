#include <cmath>
#include <vector>

#include "train/optimizer/rules.h"

// The optimizers that keep one moment.
namespace patina::train {
namespace {

class OneMoment : public Optimizer {
 public:
  explicit OneMoment(std::span<const OptimizedParameter> parameters) : Optimizer(parameters) {
    for (const OptimizedParameter& parameter : parameters) moments_.emplace_back(parameter.size);
  }

  std::vector<StateArray> state(size_t parameter) override {
    return {{"first_moment", std::as_writable_bytes(std::span(moments_[parameter]))}};
  }

 protected:
  std::span<float> moment(size_t parameter) { return moments_[parameter]; }

 private:
  std::vector<std::vector<float>> moments_;
};

class Lion final : public OneMoment {
 public:
  Lion(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options)
      : OneMoment(parameters),
        beta1_(static_cast<float>(options.first_beta())),
        beta2_(static_cast<float>(options.second_beta())),
        weight_decay_(options.weight_decay) {}

 private:
  void update(size_t parameter, std::span<float> value, std::span<const float> gradient, double rate) override {
    const std::span<float> moments = moment(parameter);
    const auto keep = static_cast<float>(1 - rate * weight_decay_);
    const auto length = static_cast<float>(rate);
    for (size_t i = 0; i < value.size(); ++i) {
      const float direction = beta1_ * moments[i] + (1 - beta1_) * gradient[i];
      value[i] *= keep;
      if (direction != 0) value[i] -= std::copysign(length, direction);
      moments[i] = beta2_ * moments[i] + (1 - beta2_) * gradient[i];
    }
  }

  float beta1_;
  float beta2_;
  double weight_decay_;
};

class Sgd final : public OneMoment {
 public:
  Sgd(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options)
      : OneMoment(parameters),
        momentum_(static_cast<float>(options.first_beta())),
        weight_decay_(static_cast<float>(options.weight_decay)) {}

 private:
  void update(size_t parameter, std::span<float> value, std::span<const float> gradient, double rate) override {
    const std::span<float> moments = moment(parameter);
    const auto length = static_cast<float>(rate);
    for (size_t i = 0; i < value.size(); ++i) {
      moments[i] = momentum_ * moments[i] + (gradient[i] + weight_decay_ * value[i]);
      value[i] -= length * moments[i];
    }
  }

  float momentum_;
  float weight_decay_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lion(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options) {
  return std::make_unique<Lion>(parameters, options);
}

std::unique_ptr<Optimizer> make_sgd(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options) {
  return std::make_unique<Sgd>(parameters, options);
}

}  // namespace patina::train
