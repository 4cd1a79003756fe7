#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "train/optimizer/block_quantizer.h"
#include "train/optimizer/rules.h"

namespace patina::train {
namespace {

// One step's constants, the bias corrections worked in.
class AdamStep {
 public:
  AdamStep(const OptimizerOptions& options, double rate, uint64_t step)
      : keep_(static_cast<float>(1 - rate * options.weight_decay)),
        rate_(static_cast<float>(rate / (1 - std::pow(options.first_beta(), static_cast<double>(step))))),
        scale_(static_cast<float>(1 / std::sqrt(1 - std::pow(options.second_beta(), static_cast<double>(step))))),
        epsilon_(static_cast<float>(options.epsilon)),
        beta1_(static_cast<float>(options.first_beta())),
        beta2_(static_cast<float>(options.second_beta())),
        rest1_(static_cast<float>(1 - options.first_beta())),
        rest2_(static_cast<float>(1 - options.second_beta())) {}

  // All of one length.
  void apply(std::span<float> value, std::span<const float> gradient, std::span<float> first,
             std::span<float> second) const {
    for (size_t i = 0; i < value.size(); ++i) {
      const float g = gradient[i];
      first[i] = beta1_ * first[i] + rest1_ * g;
      second[i] = beta2_ * second[i] + rest2_ * g * g;
      value[i] = keep_ * value[i] - rate_ * first[i] / (std::sqrt(second[i]) * scale_ + epsilon_);
    }
  }

 private:
  float keep_;
  float rate_;
  float scale_;
  float epsilon_;
  float beta1_;
  float beta2_;
  float rest1_;
  float rest2_;
};

class AdamW final : public Optimizer {
 public:
  AdamW(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options)
      : Optimizer(parameters), options_(options) {
    for (const OptimizedParameter& parameter : parameters) {
      first_.emplace_back(parameter.size);
      second_.emplace_back(parameter.size);
    }
  }

  std::vector<StateArray> state(size_t parameter) override {
    return {{"first_moment", std::as_writable_bytes(std::span(first_[parameter]))},
            {"second_moment", std::as_writable_bytes(std::span(second_[parameter]))}};
  }

 private:
  void update(size_t parameter, std::span<float> value, std::span<const float> gradient, double rate) override {
    AdamStep(options_, rate, steps()).apply(value, gradient, first_[parameter], second_[parameter]);
  }

  OptimizerOptions options_;
  std::vector<std::vector<float>> first_;
  std::vector<std::vector<float>> second_;
};

class AdamW8Bit final : public Optimizer {
 public:
  AdamW8Bit(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options)
      : Optimizer(parameters), options_(options) {
    for (const OptimizedParameter& parameter : parameters) {
      first_.push_back(signed_.zeros(parameter.size));
      second_.push_back(unsigned_.zeros(parameter.size));
    }
  }

  std::vector<StateArray> state(size_t parameter) override {
    QuantizedArray& first = first_[parameter];
    QuantizedArray& second = second_[parameter];
    return {{"first_moment_codes", std::as_writable_bytes(std::span(first.codes))},
            {"first_moment_largest", std::as_writable_bytes(std::span(first.largest))},
            {"second_moment_codes", std::as_writable_bytes(std::span(second.codes))},
            {"second_moment_largest", std::as_writable_bytes(std::span(second.largest))}};
  }

 private:
  void update(size_t parameter, std::span<float> value, std::span<const float> gradient, double rate) override {
    const AdamStep step(options_, rate, steps());
    std::array<float, kQuantizedBlock> first;
    std::array<float, kQuantizedBlock> second;
    for (size_t begin = 0; begin < value.size(); begin += kQuantizedBlock) {
      const size_t count = std::min(kQuantizedBlock, value.size() - begin);
      const std::span<float> block_first = std::span(first).first(count);
      const std::span<float> block_second = std::span(second).first(count);
      const size_t block = begin / kQuantizedBlock;
      signed_.read(first_[parameter], block, block_first);
      unsigned_.read(second_[parameter], block, block_second);
      step.apply(value.subspan(begin, count), gradient.subspan(begin, count), block_first, block_second);
      signed_.write(block_first, first_[parameter], block);
      unsigned_.write(block_second, second_[parameter], block);
    }
  }

  OptimizerOptions options_;
  BlockQuantizer signed_{true};
  BlockQuantizer unsigned_{false};
  std::vector<QuantizedArray> first_;
  std::vector<QuantizedArray> second_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options) {
  return std::make_unique<AdamW>(parameters, options);
}

std::unique_ptr<Optimizer> make_adamw_8bit(std::span<const OptimizedParameter> parameters,
                                           const OptimizerOptions& options) {
  return std::make_unique<AdamW8Bit>(parameters, options);
}

}  // namespace patina::train
