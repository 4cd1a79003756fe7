#pragma once

#include "ops/context.h"

namespace patina::ops {

enum class Activation { kSilu, kGelu };  // kGelu in its tanh form

// out = activation(gate) * up, element by element; all three have the same shape (Shazeer, 2020, "GLU Variants").
Tensor gated_activation(Context& context, const Tensor& gate, const Tensor& up, Activation activation);

}  // namespace patina::ops
