#include "train/defaults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace patina::train {
namespace {

constexpr uint64_t kStepsToLearn = 60;    // a handful of rows, word for word
constexpr uint64_t kStepsByDefault = 80;  // with some to spare
constexpr uint64_t kTooFewSteps = 30;
constexpr double kLeastMovement = 2e-3;  // sum of the rates over a run: 60 steps at a mean of 3e-5
constexpr uint64_t kManyRows = 20000;

uint64_t divide_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

}  // namespace

uint64_t default_epochs(Amount amount) {
  const uint64_t least = amount.rows < kManyRows ? 3 : 1;
  return std::max(least, divide_up(kStepsByDefault, amount.steps_per_epoch()));
}

double default_learning_rate(uint64_t base_weights) {
  constexpr double kSmall = 1e9;
  constexpr double kLarge = 7e9;
  constexpr double kSmallRate = 1e-3;
  constexpr double kLargeRate = 2e-4;
  const double share = std::log(static_cast<double>(base_weights) / kSmall) / std::log(kLarge / kSmall);
  return kSmallRate * std::pow(kLargeRate / kSmallRate, std::clamp(share, 0.0, 1.0));
}

uint64_t default_warmup(uint64_t steps) {
  constexpr double kShare = 0.03;
  return std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(kShare * static_cast<double>(steps))));
}

std::string learning_hint(Amount amount, uint64_t epochs, double learning_rate) {
  const uint64_t steps = epochs * amount.steps_per_epoch();
  const char* plural = amount.rows == 1 ? "" : "s";
  if (steps < kTooFewSteps) {
    return fmt::format("{} optimizer step{} {} too few for {} row{}; try --epochs {}", steps, steps == 1 ? "" : "s",
                       steps == 1 ? "is" : "are", amount.rows, plural,
                       divide_up(kStepsToLearn, amount.steps_per_epoch()));
  }
  // Over warm-up and cosine decay the mean rate is about half the peak.
  if (0.5 * learning_rate * static_cast<double>(steps) < kLeastMovement) {
    return fmt::format("a learning rate of {:g} moves the adapter very little in {} steps; try --learning-rate 1e-3",
                       learning_rate, steps);
  }
  return {};
}

}  // namespace patina::train
