#include "train/evaluation.h"

#include <fmt/format.h>

namespace patina::train {

std::string Diagnosis::after_step(uint64_t step, double loss) {
  constexpr double kKeep = 0.9;    // about the last ten steps
  constexpr uint64_t kFirst = 20;  // before that, the mean says little
  constexpr double kRise = 1.3;    // by that factor
  constexpr double kLeast = 0.3;   // and by so many nats
  const bool first = least_step_ == 0;
  smooth_ = first ? loss : kKeep * smooth_ + (1 - kKeep) * loss;
  if (first || smooth_ < least_) {
    least_ = smooth_;
    least_step_ = step;
  }
  const bool rises = step >= kFirst && smooth_ > kRise * least_ && smooth_ > least_ + kLeast;
  if (!rises || told_of_rise_) return {};
  told_of_rise_ = true;
  return fmt::format(
      "the loss rises: about {:.3f} now, {:.3f} at step {}; the run diverges. Stop it and try --learning-rate {:.1g}, "
      "or a "
      "longer --warmup",
      smooth_, least_, least_step_, learning_rate_ / 3);
}

std::string Diagnosis::after_evaluation(const EvaluationRecord& record) {
  constexpr double kWorse = 1.02;
  constexpr uint64_t kInARow = 2;
  const bool worse = evaluations_ > 0 && record.loss > last_loss_ && record.loss > kWorse * best_.loss &&
                     record.train_loss < last_train_loss_;
  worse_ = worse ? worse_ + 1 : 0;
  if (evaluations_ == 0 || record.loss < best_.loss) best_ = record;
  last_loss_ = record.loss;
  last_train_loss_ = record.train_loss;
  ++evaluations_;
  if (worse_ < kInARow || told_of_overfitting_) return {};
  told_of_overfitting_ = true;
  return fmt::format(
      "the run overfits: the loss of the rows kept apart was {:.3f} at step {} and is {:.3f} now, while that of the "
      "trained "
      "rows falls. The best adapter is kept. Try more rows, fewer --epochs, --lora-dropout 0.1 or a smaller "
      "--lora-rank; "
      "--patience 3 stops such a run",
      best_.loss, best_.step, record.loss);
}

}  // namespace patina::train
