#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/context.h"
#include "ops/packed_matrix.h"

namespace patina::ops {

// Finds the largest elements of a product y = W x with a large matrix [rows x cols] without reading all of W: a coarse
// copy of 4 bits an element tells which rows can be among them, and only these are multiplied exactly. Made for the
// vocabulary matrix, where a sampler looks at the best few tokens of 100,000 and more.
//
// What the copy gives for a row is off by sum_i e_i x_i, where e_i are the rounding errors of its elements, with those
// of inputs that are rounded otherwise than for products with W (see MatmulKernels::sketch_panels). Within a block of
// 32 columns these are as good as random, with a mean square of their own: d^2 p_b at most for block b, where p_b, the
// same for all rows, is how errors spread over the blocks on the average, and d is kept for every row. So the sum has a
// standard deviation of at most d times the root of sum_b p_b |x_b|^2, wherever x is large. A row is left out only if
// it misses the place by kDeviations of these.
//
// Immutable, safe to share between threads. The matrix must outlive it.
class Sketch {
 public:
  // The chance that a normal variable is off by more is 6e-7; errors of Gemma 3 270M have three quarters of the bound
  // for a deviation, which makes it 3e-11, and what matters are only errors of the few rows that are wanted.
  static constexpr float kDeviations = 5;

  // Whether the matrix is large enough for the search to be worth its while, and a sketch would save at least a
  // sixteenth of `read_bytes`, what is read for each token.
  static bool pays(const PackedMatrix& matrix, int64_t read_bytes);

  // The memory that a sketch of such a matrix takes.
  static int64_t bytes(const PackedMatrix& matrix);

  // Of a packed matrix. Throws kInvalidArgument where the number of columns is no multiple of 32, kOutOfMemory.
  Sketch(ThreadPool& pool, const kernels::Kernels& kernels, const PackedMatrix& matrix);

  // y [tokens x rows] for x [tokens x cols] as linear() gives it, to the last bit, for every element that is among the
  // wanted[t] largest of y[t]; elements that are not may hold the sketch's value instead, which is smaller than those
  // are. 1 <= wanted[t], 1 <= tokens <= kFewRows, and context.precise is off.
  Tensor largest(Context& context, const Tensor& x, std::span<const int64_t> wanted) const;

 private:
  const PackedMatrix* matrix_;
  std::vector<float> profile_;     // p
  std::vector<float> deviations_;  // d of each row, and of padding up to a whole panel
  PackedMatrix coarse_;
};

}  // namespace patina::ops
