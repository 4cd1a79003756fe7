#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "adapter/attachment.h"
#include "autograd/tape.h"
#include "base/function_ref.h"
#include "model/model.h"
#include "ops/context.h"
#include "train/data/batch.h"
#include "train/data/data_set.h"
#include "train/parameters.h"
#include "train/preference.h"

namespace patina::train {

// What a loss is computed with; a bundle of references.
struct LossSetting {
  const model::Model& model;
  ops::Context& context;
  const adapter::Attachment& adapters;
  LossOptions options = {};
  autograd::PassWatch* watch = nullptr;  // of passes that gradients are added by
};

// A loss summed over examples.
struct LossSum {
  double loss = 0;      // of -log p, in nats; 0 where that is not what is learned
  uint64_t tokens = 0;  // that are learned: of preferences, those of the chosen answers
  size_t examples = 0;
  PreferenceSum preference;  // of preferences

  void add(const LossSum& other);
  // A mean over tokens, and over pairs where they are learned.
  double mean() const;
};

// What a step's loss is a mean over.
struct StepSize {
  uint64_t tokens = 0;  // as LossSum
  size_t pairs = 0;

  static StepSize of(std::span<const Batch> batches);
};

// Runs the batch forward and backward: adds the gradients of its share of the step's mean loss to those of
// `parameters`, and returns its loss. Every example must be a preference where those are learned, and none otherwise.
// The reference of DPO is the model without adapters. `recompute_blocks` as in autograd::TapeOptions.
LossSum add_gradients(const LossSetting& setting, const Batch& batch, const StepSize& size, bool recompute_blocks,
                      const Parameters& parameters);

// The loss of the batch. Preferences that are not learned count as their chosen answers; their margin is then the
// difference of both answers' log p a token.
LossSum batch_loss(const LossSetting& setting, const Batch& batch);

// The mean of -log p over the example's tokens that carry loss, in nats; of a preference's chosen answer.
double mean_loss(const LossSetting& setting, const Example& example);

// The loss of all examples, in passes of about `pass_tokens` tokens, so that memory does not grow with their number.
// After each pass `goes_on` is told the sum so far; false ends the measurement there.
LossSum data_loss(const LossSetting& setting, const DataSet& data, size_t pass_tokens,
                  FunctionRef<bool(const LossSum&)> goes_on);

}  // namespace patina::train
