#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.h"
#include "autograd/tape.h"
#include "tensor/tensor.h"
#include "train/checkpoint.h"
#include "train/optimizer.h"

namespace patina::train {

// What is trained: A and B of every entry of an adapter, with their gradients and the optimizer's state. Shares the
// adapter's tensors. Not thread safe.
class Parameters {
 public:
  // Marks the adapter's tensors as needing gradients; memory for these comes from `buffers`.
  Parameters(const adapter::LoraAdapter& adapter, tensor::BufferPool& buffers, AdamWOptions options);

  void zero_gradients();
  // Gradients of the tape's backward pass are added to those here.
  void accumulate_from(autograd::Tape& tape) const;
  // Clips the gradients to `max_norm` and makes a step of the optimizer. Returns the norm before; where it is not
  // finite, nothing is changed.
  double step(double learning_rate, double max_norm);

  // Views of the state, for a checkpoint.
  std::vector<ParameterState> state();
  // Takes over what a checkpoint with the same names and shapes holds.
  void restore(const Checkpoint& checkpoint);

 private:
  struct Parameter {
    std::string name;
    tensor::Tensor value;
    tensor::Tensor gradient;
  };

  std::vector<Parameter> parameters_;
  std::vector<std::span<float>> values_;
  std::vector<std::span<float>> gradients_;
  std::vector<std::span<const float>> constant_gradients_;
  AdamW optimizer_;
};

}  // namespace patina::train
