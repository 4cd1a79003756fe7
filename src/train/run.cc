#include "train/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace patina::train {

void check_options(const TrainOptions& options) {
  const auto require = [](bool good, const char* sentence) {
    if (!good) fail(ErrorKind::kInvalidArgument, "{}", sentence);
  };
  const auto is_share = [](double value) { return value >= 0 && value <= 1; };
  constexpr uint64_t kMost = uint64_t{1} << 31;
  require(options.batch_size >= 1 && options.batch_size < kMost, "the batch size must be at least 1");
  require(options.accumulation >= 1 && options.accumulation < kMost, "--grad-accum must be at least 1");
  require(options.epochs < kMost, "there are too many epochs");
  const double rate = options.learning_rate.value_or(1);
  require(std::isfinite(rate) && rate > 0, "the learning rate must be above 0");
  require(!options.warmup || !options.warmup_ratio, "give either --warmup or --warmup-ratio");
  require(is_share(options.warmup_ratio.value_or(0)), "--warmup-ratio must be from 0 to 1");
  const double least = options.schedule.minimum;
  require(least >= 0 && least <= options.learning_rate.value_or(least), "--min-lr must be from 0 to the learning rate");
  require(options.schedule.cycles >= 1, "--lr-cycles must be at least 1");
  require(is_share(options.schedule.decay_share), "--lr-decay-share must be from 0 to 1");
  require(std::isfinite(options.max_gradient_norm) && options.max_gradient_norm >= 0,
          "--max-grad-norm must be 0 or more");
  require(options.save_seconds > 0, "--save-minutes must be above 0");
  require(std::isfinite(options.loss.beta) && options.loss.beta > 0, "--beta must be above 0");
  require(std::isfinite(options.noise) && options.noise >= 0, "--neftune must be 0 or more");
  require(options.dropout >= 0 && options.dropout < 1, "dropout must be at least 0 and below 1");
}

double usual_learning_rate(const TrainOptions& options, uint64_t base_weights) {
  return default_learning_rate(base_weights, options.parameters.optimizer.kind, options.loss.objective);
}

Schedule make_schedule(const TrainOptions& options, uint64_t steps, uint64_t base_weights) {
  const double usual = usual_learning_rate(options, base_weights);
  const uint64_t warmup = options.warmup_ratio
                              ? static_cast<uint64_t>(std::llround(*options.warmup_ratio * static_cast<double>(steps)))
                              : options.warmup.value_or(default_warmup(steps));
  return {.peak = options.learning_rate.value_or(std::max(usual, options.schedule.minimum)),
          .steps = steps,
          .warmup = std::min(warmup, steps),
          .minimum = options.schedule.minimum,
          .kind = options.schedule.kind,
          .cycles = options.schedule.cycles,
          .decay_share = options.schedule.decay_share};
}

std::vector<Setting> settings_of(const TrainOptions& options, const Schedule& schedule) {
  const OptimizerOptions& optimizer = options.parameters.optimizer;
  const auto number = [](double value) { return fmt::format("{}", value); };
  return {{"max-steps", std::to_string(options.max_steps)},
          {"batch-size", std::to_string(options.batch_size)},
          {"grad-accum", std::to_string(options.accumulation)},
          {"learning-rate", number(schedule.peak)},
          {"min-lr", number(schedule.minimum)},
          {"warmup", std::to_string(schedule.warmup)},
          {"lr-schedule", std::string(schedule_name(schedule.kind))},
          {"lr-cycles", std::to_string(schedule.cycles)},
          {"lr-decay-share", number(schedule.decay_share)},
          {"optimizer", std::string(optimizer_name(optimizer.kind))},
          {"beta1", number(optimizer.first_beta())},
          {"beta2", number(optimizer.second_beta())},
          {"epsilon", number(optimizer.epsilon)},
          {"weight-decay", number(optimizer.weight_decay)},
          {"max-grad-norm", number(options.max_gradient_norm)},
          {"ema", number(options.parameters.average_decay)},
          {"lora-plus-ratio", number(options.parameters.b_rate_factor)},
          {"lora-dropout", number(options.dropout)},
          {"shuffle", options.shuffle ? "on" : "off"},
          {"lora-init", options.init},
          {"neftune", number(options.noise)},
          {"preference", std::string(objective_name(options.loss.objective))},
          {"beta", number(options.loss.beta)},
          {"eval-every", std::to_string(options.eval_every)},
          {"patience", std::to_string(options.patience)},
          {"seed", std::to_string(options.seed)}};
}

}  // namespace patina::train
