#pragma once

#include <span>

#include "adapter/lora_adapter.h"

namespace patina::adapter {

struct WeightedAdapter {
  const LoraAdapter* adapter;
  float weight;
};

// One adapter that acts as all of them together, each times its weight (finite): exact, as the ranks of a layer add up.
// Where A1, A2 stand one above the other and w1 s1 B1, w2 s2 B2 side by side, their product is the weighted sum of the
// products. Layers come as the adapters name them first; a name, a base and a template stay where all that have one
// agree. The result shares no tensors with them. Throws kInvalidArgument for no adapters, for weights that leave
// nothing, and for a rank beyond kMaxRank; kIncompatible for different architectures, templates or shapes of a layer;
// kUnsupported for magnitudes.
LoraAdapter concatenated(std::span<const WeightedAdapter> adapters);

// The adapter acting `factor` (finite) times as strongly. Changes alpha alone, so that the matrices stay as they are,
// unless the factor is 0 or there is no alpha. Throws kUnsupported for magnitudes.
LoraAdapter scaled(const LoraAdapter& adapter, float factor);

// The Frobenius norm of what the entry adds to its weight, scale * B A.
double product_norm(const LoraAdapter& adapter, const LoraEntry& entry);

}  // namespace patina::adapter
