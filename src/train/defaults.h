#pragma once

#include <cstdint>
#include <string>

#include "train/optimizer/optimizer.h"
#include "train/preference.h"

namespace patina::train {

// The amount of work: how many examples there are and how many make one optimizer step.
struct Amount {
  uint64_t rows;
  uint64_t rows_per_step;

  uint64_t steps_per_epoch() const { return (rows + rows_per_step - 1) / rows_per_step; }
};

// What is done where the user says nothing. Few rows are to be learned word for word and get enough epochs for about 80
// optimizer steps; many get three passes, very many one.
uint64_t default_epochs(Amount amount);

// The rate at which adapters of a model of this many weights learn quickly without diverging: 8e-3 up to five million,
// 1e-3 from a hundred to a thousand million, 2e-4 from seven thousand million, and between these along straight lines
// of the logarithms. That is for AdamW; a third of it for Lion, thirty times as much for SGD; and a sixteenth of each
// for DPO, which has no likelihood to hold on to (docs/defaults.md).
double default_learning_rate(uint64_t base_weights, OptimizerKind optimizer = OptimizerKind::kAdamW,
                             Objective objective = Objective::kLikelihood);

// 3 % of the steps, at least one.
uint64_t default_warmup(uint64_t steps);

// A sentence with advice when this run cannot have learned much: too few steps, or so low a rate that Adam, which moves
// a weight by about the rate in each step, gets nowhere: below half of the usual one only. It suggests `usual_rate`,
// default_learning_rate(). Empty when there is nothing to say.
std::string learning_hint(Amount amount, uint64_t epochs, double learning_rate, double usual_rate);

}  // namespace patina::train
