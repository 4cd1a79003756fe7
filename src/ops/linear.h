#pragma once

#include <span>
#include <vector>

#include "ops/context.h"
#include "ops/lora.h"
#include "ops/packed_matrix.h"

namespace patina::ops {

// One linear layer of several that read the same input.
struct Linear {
  const PackedMatrix* weight = nullptr;  // [out x in]
  const float* bias = nullptr;           // [out] or null
  std::span<const LoraTerm> adapters;
};

// Whether the rows of the layer have a gain; a bias is added after it.
inline bool has_gain(const Linear& layer) { return !layer.adapters.empty() && layer.adapters.front().gain; }

// For each layer:  y[t, o] = sum_i W[o, i] x[t, i] + bias[o] + its adapters' terms,  x [tokens x in], y [tokens x out].
// The input is rounded to 8 bits (see matmul_rounded) once for all layers unless context.precise or the weights are
// floats. Backward multiplies with the packed weights; no gradient is formed for W or bias.
std::vector<Tensor> linear(Context& context, const Tensor& x, std::span<const Linear> layers);
Tensor linear(Context& context, const Tensor& x, const Linear& layer);

// dx[t, i] += sum_o dy[t, o] W[o, i]; W is packed. As matmul_backward_rounded() where the forward product takes
// rounded inputs.
void linear_backward(Context& context, const PackedMatrix& weight, const Tensor& dy, const Tensor& dx);

}  // namespace patina::ops
