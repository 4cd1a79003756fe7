#pragma once

#include "ops/context.h"
#include "ops/lora.h"
#include "ops/packed_matrix.h"

namespace patina::ops {

// After A, B or the magnitude of a term has changed, for the rows o of W [out x in]:
//   inverse_length[o] = 1 / |W_o + scale (B A)_o|, 0 for a row of zeros;  gain[o] = magnitude[o] * inverse_length[o].
// The square of a length is |W_o|^2 + 2 scale B_o . (W A^T)_o + scale^2 B_o (A A^T) B_o, so that what is multiplied
// with W is as many rows as the rank. `squares` [out x 1]: |W_o|^2. In f32.
void update_gain(const Context& context, const PackedMatrix& w, const Tensor& squares, const LoraTerm& term);

}  // namespace patina::ops
