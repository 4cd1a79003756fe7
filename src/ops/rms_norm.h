#pragma once

#include "ops/context.h"

namespace patina::ops {

// y = x / sqrt(mean(x^2) + eps) * weight for each run of `width` consecutive elements of x (Zhang and Sennrich, 2019).
// `width` divides x.cols(): the whole row for a layer's norm, one head for QK-norm. weight [width] is not trained.
Tensor rms_norm(Context& context, const Tensor& x, const float* weight, float eps, int64_t width);

}  // namespace patina::ops
