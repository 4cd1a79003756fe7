#pragma once

#include <cstdint>

#include "model/model.h"
#include "train/parameters.h"

namespace patina::train {

// As autograd::TapeOptions.
struct MemoryUse {
  bool recompute_blocks;
  bool compact;
  int64_t gain_numbers = 0;  // MagnitudeTerms::saved_numbers()
};

// Bytes that a forward and backward pass over `tokens` tokens takes beyond the model's weights, about: activations that
// the tape keeps, gradients on their way back, and the loss head's chunk of logits.
uint64_t pass_bytes(const model::Model& model, uint64_t tokens, MemoryUse use);

// Bytes of a checkpoint's trained numbers, the optimizer's state and the average.
uint64_t checkpoint_bytes(uint64_t parameters, const ParameterOptions& options);

}  // namespace patina::train
