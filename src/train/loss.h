#pragma once

#include <cstddef>
#include <cstdint>

#include "adapter/attachment.h"
#include "base/function_ref.h"
#include "model/model.h"
#include "ops/context.h"
#include "train/data/batch.h"
#include "train/data/data_set.h"
#include "train/parameters.h"

namespace patina::train {

// What a loss is computed with; a bundle of references.
struct LossSetting {
  const model::Model& model;
  ops::Context& context;
  const adapter::Attachment& adapters;
};

// Runs the batch forward and backward: adds the gradients of the loss (the sum of -log p(target) times `weight`) to
// those of `parameters`, and returns it. `recompute_blocks` as in autograd::TapeOptions.
double add_gradients(const LossSetting& setting, const Batch& batch, float weight, bool recompute_blocks,
                     const Parameters& parameters);

// The sum of -log p over the batch's targets, in nats.
double total_loss(const LossSetting& setting, const Batch& batch);

// The mean of -log p over the example's tokens that carry loss, in nats.
double mean_loss(const LossSetting& setting, const Example& example);

// A loss summed over examples.
struct LossSum {
  double loss = 0;      // of -log p, in nats
  uint64_t tokens = 0;  // that carry loss
  size_t examples = 0;

  double mean() const { return loss / static_cast<double>(tokens); }
};

// The loss of all examples, in passes of about `pass_tokens` tokens, so that memory does not grow with their number.
// After each pass `goes_on` is told the sum so far; false ends the measurement there.
LossSum data_loss(const LossSetting& setting, const DataSet& data, size_t pass_tokens,
                  FunctionRef<bool(const LossSum&)> goes_on);

}  // namespace patina::train
