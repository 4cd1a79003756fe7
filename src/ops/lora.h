#pragma once

#include <span>

#include "ops/context.h"

namespace patina::ops {

// One low-rank correction of a linear layer: y += scale * B (A x)  (Hu et al., 2021, "LoRA"). With a gain the layer
// becomes y = gain * (W x + scale * B (A x)), as DoRA has it (Liu et al., 2024); such a term must be the layer's first.
struct LoraTerm {
  Tensor a;  // [rank x in]
  Tensor b;  // [out x rank]
  // NOLINTBEGIN(readability-redundant-member-init): g++ warns without them where a list leaves them out
  Tensor gain = {};  // [out x 1], or empty: 1
  // Of a gain that is trained: gain = magnitude * inverse_length, each [out x 1]; the magnitude receives a gradient.
  Tensor magnitude = {};
  Tensor inverse_length = {};  // of the rows of W + scale * B A, which are constant to the gradients
  // NOLINTEND(readability-redundant-member-init)
  float scale = 1.0F;
  float dropout = 0.0F;       // share of x's elements set to zero on the way into A, while recording
  uint64_t dropout_seed = 0;  // decides which, together with the position
};

// y[t, o] += scale * sum_r b[o, r] * sum_i a[r, i] * x[t, i], in place, for x [tokens x in], y [tokens x out]. While
// recording, y must be the result of the linear layer it corrects and needs its gradient; x, a and b receive theirs
// where they need them. With a gain y, which must hold W x without bias, is then multiplied by it. Sums have a fixed
// order whatever the number of threads.
void add_lora(Context& context, const Tensor& x, const LoraTerm& term, const Tensor& y);

// The same sum alone, without gain and never recorded; with `drops` elements of x are left out as the term says.
// Returns A x [tokens x rank].
Tensor add_product(Context& context, const Tensor& x, const LoraTerm& term, const Tensor& y, bool drops);

// The backward of add_product(), and of add_lora() without gain, given dy [tokens x out] (unchanged) and h = A x
// [tokens x rank] of the forward pass.
void lora_backward(Context& context, Gradients& gradients, const Tensor& x, const LoraTerm& term, const Tensor& hidden,
                   const Tensor& dy);

}  // namespace patina::ops
