#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "adapter/lora_adapter.h"
#include "io/model_file.h"
#include "kernels/dispatch.h"

namespace patina::adapter {

// The length of each row of W + scale * B A, [out x 1]. Reads the rows from the file, tile by tile. The file must have
// the weight, in the entry's shape.
tensor::Tensor row_lengths(const LoraEntry& entry, float scale, const BaseWeights& weights);
// The entry's magnitudes over these lengths; 0 for a row of zeros.
tensor::Tensor gains(const LoraEntry& entry, float scale, const BaseWeights& weights);

// What an adapter makes of a model's weights: W + scale * B A, with rows of the lengths that its magnitudes say, for
// any rows of any of its tensors. Immutable, safe to use from several threads; shares the adapter's tensors.
class WeightChange {
 public:
  // `scale` (finite) comes on top of the adapter's own; `label` begins the messages. Throws kIncompatible when the
  // architecture, a tensor or a shape does not fit `base`.
  WeightChange(const LoraAdapter& adapter, std::string_view label, float scale, const io::ModelFile& base,
               const kernels::Kernels& kernels);

  bool changes(const io::TensorInfo& tensor) const { return terms_.contains(tensor.name); }

  // Makes rows `first`, `first` + 1, ... of a tensor that it changes, given in f32, what they become. A row's
  // result does not depend on how many others there are.
  void apply(const io::TensorInfo& tensor, int64_t first, std::span<float> rows) const;

 private:
  struct Term {
    LoraEntry entry;
    float scale;
  };
  const kernels::Kernels& kernels_;
  std::map<std::string, Term, std::less<>> terms_;  // by the tensor's name
};

}  // namespace patina::adapter
