#pragma once

#include <cstdint>

#include "kernels/matmul.h"
#include "kernels/packed_layout.h"

// Quantized activations: groups of kActGroup rows (tokens), the last one of T <= kActGroup rows. A group is a run of
// blocks, one for each 32 columns:
//
//   int8   q[8][T][4]       q[i][t][b] is row t, column 4 i + b, so that one broadcast of 4 bytes meets one code vector
//   f32    d[T]             x = d * q
//   f32    offset[T]        -d * (sum of the 32 q)
//   f32    half[2][T]       the same of columns 0..15 and 16..31
//
// The sums are negative because that is how zero points and mins enter the products.
namespace patina::kernels {

constexpr int kActBytes = 48;  // of one row in one block
constexpr int kActScale = 32;  // where the fields begin, in units of T bytes
constexpr int kActOffset = 36;
constexpr int kActHalfOffset = 40;

}  // namespace patina::kernels
