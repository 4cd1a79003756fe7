#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "train/preference.h"

namespace patina::train {

// What the rows that are kept apart from training say at some step.
struct EvaluationRecord {
  uint64_t step = 0;
  uint64_t epoch = 0;        // from 1
  double loss = 0;           // mean over the tokens that carry loss, in nats; or of preferences
  PreferenceSum preference;  // where these are learned
  double train_loss = 0;     // mean of the steps since the last evaluation
  uint64_t tokens = 0;       // that carry loss
  bool best = false;         // of all evaluations so far
  double seconds = 0;        // that the measuring took

  double perplexity() const { return std::exp(loss); }
};

// The best evaluation of a run, which a checkpoint holds.
struct BestSoFar {
  double loss = std::numeric_limits<double>::infinity();
  uint64_t step = 0;                    // 0: none yet
  uint64_t evaluations_since_best = 0;  // after it

  // Takes one evaluation; true where it is the best.
  bool take(double new_loss, uint64_t at_step) {
    const bool better = new_loss < loss;
    if (better) {
      loss = new_loss;
      step = at_step;
    }
    evaluations_since_best = better ? 0 : evaluations_since_best + 1;
    return better;
  }
};

// Watches a run for what goes wrong often, and says each thing once. Not kept in checkpoints.
class Diagnosis {
 public:
  // `learning_rate`: the highest of the run, for advice.
  explicit Diagnosis(double learning_rate) : learning_rate_(learning_rate) {}

  // After each step, with its loss: a sentence with advice once the loss has risen for long. Else empty.
  std::string after_step(uint64_t step, double loss);
  // After each evaluation: a sentence with advice once the held-out rows get worse while the trained ones get better.
  std::string after_evaluation(const EvaluationRecord& record);

 private:
  double learning_rate_;
  double smooth_ = 0;
  double least_ = std::numeric_limits<double>::infinity();  // of smooth_
  uint64_t least_step_ = 0;
  bool told_of_rise_ = false;
  EvaluationRecord best_;
  double last_loss_ = 0;
  double last_train_loss_ = 0;
  uint64_t evaluations_ = 0;
  uint64_t worse_ = 0;  // evaluations in a row
  bool told_of_overfitting_ = false;
};

}  // namespace patina::train
