#include "train/defaults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace patina::train {
namespace {

constexpr uint64_t kStepsToLearn = 60;    // a handful of rows, word for word
constexpr uint64_t kStepsByDefault = 80;  // with some to spare
constexpr uint64_t kTooFewSteps = 30;
constexpr double kLeastMovement = 2e-3;  // sum of the rates over a run: 60 steps at a mean of 3e-5
constexpr uint64_t kManyRows = 20000;

uint64_t divide_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

double rate_for_adamw(uint64_t base_weights) {
  struct Point {
    double weights;
    double rate;
  };
  constexpr std::array kPoints = {Point{5e6, 8e-3}, Point{1e8, 1e-3}, Point{1e9, 1e-3}, Point{7e9, 2e-4}};
  const auto weights = static_cast<double>(base_weights);
  if (weights <= kPoints.front().weights) return kPoints.front().rate;
  for (size_t i = 1; i < kPoints.size(); ++i) {
    const Point& from = kPoints[i - 1];
    const Point& to = kPoints[i];
    if (weights > to.weights) continue;
    const double share = std::log(weights / from.weights) / std::log(to.weights / from.weights);
    return from.rate * std::pow(to.rate / from.rate, share);
  }
  return kPoints.back().rate;
}

}  // namespace

uint64_t default_epochs(Amount amount) {
  const uint64_t least = amount.rows < kManyRows ? 3 : 1;
  return std::max(least, divide_up(kStepsByDefault, amount.steps_per_epoch()));
}

double default_learning_rate(uint64_t base_weights, OptimizerKind optimizer, Objective objective) {
  const double factor = optimizer == OptimizerKind::kLion ? 1.0 / 3 : (optimizer == OptimizerKind::kSgd ? 30 : 1);
  return (objective == Objective::kDpo ? 1.0 / 16 : 1.0) * factor * rate_for_adamw(base_weights);
}

uint64_t default_warmup(uint64_t steps) {
  constexpr double kShare = 0.03;
  return std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(kShare * static_cast<double>(steps))));
}

std::string learning_hint(Amount amount, uint64_t epochs, double learning_rate, double usual_rate) {
  const uint64_t steps = epochs * amount.steps_per_epoch();
  const char* plural = amount.rows == 1 ? "" : "s";
  if (steps < kTooFewSteps) {
    return fmt::format("{} optimizer step{} {} too few for {} row{}; try --epochs {}", steps, steps == 1 ? "" : "s",
                       steps == 1 ? "is" : "are", amount.rows, plural,
                       divide_up(kStepsToLearn, amount.steps_per_epoch()));
  }
  // Over warm-up and cosine decay the mean rate is about half the peak. Preferences want little movement.
  const bool unusual = learning_rate < 0.5 * usual_rate;
  if (unusual && 0.5 * learning_rate * static_cast<double>(steps) < kLeastMovement) {
    return fmt::format("a learning rate of {:g} moves the adapter very little in {} steps; try --learning-rate {:.1g}",
                       learning_rate, steps, usual_rate);
  }
  return {};
}

}  // namespace patina::train
