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
// What the copy gives for a row is off by sum_i e_i x_i, where e_i are the rounding errors of its elements. These are
// as good as random, so the sum has a standard deviation of |x| times the root of their mean square, which is kept for
// every row. A row is left out only if it misses the place by kDeviations of these. Errors are alike within a block of
// 32 columns but may be much larger in one block than in the others; where x lies mostly in one block, too, the two may
// meet. So |x| counts as at least 1 / kUneven of what it would be if all blocks of x were as large as its largest.
//
// Immutable, safe to share between threads. The matrix must outlive it.
class Sketch {
 public:
  // The chance that a normal variable is off by more is 1e-15.
  static constexpr float kDeviations = 8;
  // Of a block's root mean square over that of the whole x; Gemma 3 270M's final states reach 2.7.
  static constexpr float kUneven = 3;

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
  std::vector<float> deviations_;  // of each row, and of padding up to a whole panel
  PackedMatrix coarse_;
};

}  // namespace patina::ops
