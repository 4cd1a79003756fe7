#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.h"
#include "autograd/tape.h"
#include "tensor/tensor.h"
#include "train/checkpoint.h"
#include "train/optimizer/optimizer.h"
#include "train/weight_average.h"

namespace patina::train {

// How trained numbers are moved.
struct ParameterOptions {
  OptimizerOptions optimizer;
  // On the learning rate of every B but that of embeddings, whose rows are looked up (Hayou et al., 2024, "LoRA+").
  double b_rate_factor = 1;  // above 0
  double average_decay = 0;  // see WeightAverage
};

// What is trained: A, B and any magnitude of every entry of an adapter, with their gradients, the optimizer's state and
// the average. Shares the adapter's tensors. Not thread safe.
class Parameters {
 public:
  // Marks the adapter's tensors as needing gradients; memory for these comes from `buffers`. Throws kInvalidArgument
  // for options out of range.
  Parameters(const adapter::LoraAdapter& adapter, tensor::BufferPool& buffers, const ParameterOptions& options);

  void zero_gradients();
  // Gradients of the tape's backward pass are added to those here.
  void accumulate_from(autograd::Tape& tape) const;
  std::span<const std::span<float>> gradients() const { return gradients_; }
  // Of the tensor whose gradient is the i-th of these.
  const void* key(size_t i) const { return parameters_[i].value.key(); }
  // Clips the gradients to `max_norm` (0: not), makes a step of the optimizer and averages. Returns the norm before;
  // where it is not finite, nothing is changed.
  double step(double learning_rate, double max_norm);

  bool averages() const { return average_.enabled(); }
  // Views of the state, for a checkpoint.
  std::vector<ParameterState> state();
  // Takes over what a checkpoint with the same names, shapes and arrays holds.
  void restore(const Checkpoint& checkpoint);
  // The whole state in place, for another process's: every value and array. set_steps() belongs to it.
  std::vector<std::span<std::byte>> bytes();
  void set_steps(uint64_t steps) { optimizer_->set_steps(steps); }
  // Tells these values from others.
  uint64_t digest() const;

  // While one lives, the adapter's tensors hold the averaged weights, which are what a run is for where there is an
  // average: to be saved, measured and answered with. One at a time.
  class Averaged {
   public:
    explicit Averaged(Parameters& parameters) : parameters_(parameters) { swap(); }
    Averaged(const Averaged&) = delete;
    Averaged& operator=(const Averaged&) = delete;
    ~Averaged() { swap(); }

   private:
    void swap() { parameters_.average_.swap(parameters_.values_); }
    Parameters& parameters_;
  };

 private:
  struct Parameter {
    std::string name;
    tensor::Tensor value;
    tensor::Tensor gradient;
  };

  static std::vector<Parameter> parameters_of(const adapter::LoraAdapter& adapter, tensor::BufferPool& buffers);
  static std::vector<std::span<float>> values_of(const std::vector<Parameter>& parameters);
  std::vector<StateArray> arrays(size_t parameter);

  std::vector<Parameter> parameters_;
  std::vector<std::span<float>> values_;
  std::vector<std::span<float>> gradients_;
  std::vector<std::span<const float>> constant_gradients_;
  std::unique_ptr<Optimizer> optimizer_;
  WeightAverage average_;
};

}  // namespace patina::train
