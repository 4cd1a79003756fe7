#pragma once

#include <cstdint>
#include <span>

#include "kernels/vector.h"
#include "ops/context.h"

namespace patina::ops {

// How positions turn into angles: pair i of a head turns by position * frequencies[i] (Su et al., 2021).
struct RopeShape {
  std::span<const float> frequencies;  // one a pair; the first 2 * size elements of a head are rotated
  kernels::RopeLayout layout;
};

// The angles of a batch's rows: cos and sin, each [rows x pairs].
struct RopeAngles {
  Tensor cos;
  Tensor sin;
  kernels::RopeLayout layout;
};

RopeAngles rope_angles(Context& context, const RopeShape& shape, std::span<const int64_t> positions);

// Rotates each head (of head_dim consecutive elements) of every row of x in place. While recording, the gradient of x
// is rotated back; no earlier recorded step may need the unrotated values.
void rope(Context& context, const Tensor& x, int64_t head_dim, const RopeAngles& angles);

}  // namespace patina::ops
