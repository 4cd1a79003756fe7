#pragma once

#include "adapter/attachment.h"
#include "model/model.h"
#include "ops/context.h"
#include "train/data/batch.h"
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

}  // namespace patina::train
