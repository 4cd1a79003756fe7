#include "train/optimizer/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "train/optimizer/rules.h"

namespace patina::train {
namespace {

struct Named {
  OptimizerKind kind;
  std::string_view name;
};

constexpr std::array kNames = {Named{OptimizerKind::kAdamW, "adamw"}, Named{OptimizerKind::kAdamW8Bit, "adamw8bit"},
                               Named{OptimizerKind::kLion, "lion"}, Named{OptimizerKind::kSgd, "sgd"}};

void check(const OptimizerOptions& options) {
  const auto is_share = [](double value) { return value >= 0 && value < 1; };
  if (!is_share(options.first_beta())) fail(ErrorKind::kInvalidArgument, "--beta1 must be at least 0 and below 1");
  if (!is_share(options.second_beta())) fail(ErrorKind::kInvalidArgument, "--beta2 must be at least 0 and below 1");
  if (!std::isfinite(options.epsilon) || options.epsilon <= 0) {
    fail(ErrorKind::kInvalidArgument, "--epsilon must be above 0");
  }
  if (!std::isfinite(options.weight_decay) || options.weight_decay < 0) {
    fail(ErrorKind::kInvalidArgument, "the weight decay must be 0 or more");
  }
}

}  // namespace

std::optional<OptimizerKind> optimizer_from_name(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &Named::name);
  return found == kNames.end() ? std::nullopt : std::optional(found->kind);
}

std::string_view optimizer_name(OptimizerKind kind) { return std::ranges::find(kNames, kind, &Named::kind)->name; }

Optimizer::Optimizer(std::span<const OptimizedParameter> parameters) {
  for (const OptimizedParameter& parameter : parameters) rate_factors_.push_back(parameter.rate_factor);
}

void Optimizer::step(std::span<const std::span<float>> values, std::span<const std::span<const float>> gradients,
                     double learning_rate) {
  ++steps_;
  for (size_t i = 0; i < values.size(); ++i) update(i, values[i], gradients[i], learning_rate * rate_factors_[i]);
}

std::unique_ptr<Optimizer> make_optimizer(std::span<const OptimizedParameter> parameters,
                                          const OptimizerOptions& options) {
  check(options);
  switch (options.kind) {
    case OptimizerKind::kAdamW8Bit:
      return make_adamw_8bit(parameters, options);
    case OptimizerKind::kLion:
      return make_lion(parameters, options);
    case OptimizerKind::kSgd:
      return make_sgd(parameters, options);
    case OptimizerKind::kAdamW:
      break;
  }
  return make_adamw(parameters, options);
}

uint64_t optimizer_bytes(OptimizerKind kind, uint64_t elements) {
  switch (kind) {
    case OptimizerKind::kAdamW8Bit:
      return 2 * elements;
    case OptimizerKind::kLion:
    case OptimizerKind::kSgd:
      return sizeof(float) * elements;
    case OptimizerKind::kAdamW:
      break;
  }
  return 2 * sizeof(float) * elements;
}

}  // namespace patina::train
