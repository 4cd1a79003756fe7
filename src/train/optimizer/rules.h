#pragma once

#include <memory>
#include <span>

#include "train/optimizer/optimizer.h"

// The makers of each kind, for options that make_optimizer() has checked.
namespace patina::train {

std::unique_ptr<Optimizer> make_adamw(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_adamw_8bit(std::span<const OptimizedParameter> parameters,
                                           const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_lion(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_sgd(std::span<const OptimizedParameter> parameters, const OptimizerOptions& options);

}  // namespace patina::train
