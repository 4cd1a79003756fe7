#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/context.h"
#include "ops/packed_matrix.h"

// Parts of the products W x that linear.h and sketch.h share. Internal to this folder.
namespace patina::ops {

// Whether x is rounded for products with `w`, to 8 bits or as matmul_rounded() says.
inline bool takes_rounded(const Context& context, const PackedMatrix& w) {
  return !context.precise && !quant::is_float(w.type());
}

// The input x [tokens x in] of products in the forms that their kernels read. Holds on to x.
class ProductInput {
 public:
  explicit ProductInput(const Tensor& x) : x_(x) {}

  // Rounds x for products with w, by all threads, unless w takes x as it is or as a matrix before did (acts_form()).
  void include(const Context& context, const PackedMatrix& w);

  const Tensor& x() const { return x_; }
  // x as w takes it, which was included and takes_rounded().
  const std::byte* rounded(const Context& context, const PackedMatrix& w) const;

 private:
  struct Rounded {
    kernels::ActsForm form;
    Tensor bytes;
  };
  const Rounded* find(kernels::ActsForm form) const;

  Tensor x_;
  std::vector<Rounded> rounded_;
};

// What a worker needs for products with some matrices.
class Scratch {
 public:
  // For products of so many rows of x; what a product does not need takes no memory.
  void include(const Context& context, const PackedMatrix& w, int64_t tokens);
  void make(const Context& context);

  float* tiles(int worker) const { return floats_ > 0 ? rows_.row(worker) : nullptr; }
  std::byte* panel(int worker) const { return reinterpret_cast<std::byte*>(rows_.row(worker) + floats_); }

 private:
  int64_t floats_ = 0;       // of unpacked tiles: kScratchFloats or none
  int64_t panel_bytes_ = 0;  // the longest panel of a matrix that is not packed
  Tensor rows_;              // of each worker
};

// y[t, r] = sum_i W[r, i] x[t, i] for the rows r of the panels [panel_begin, panel_end), on the calling thread, which
// is number `worker`. `input` and `scratch` include w.
void multiply(const Context& context, const PackedMatrix& w, const ProductInput& input, int64_t panel_begin,
              int64_t panel_end, const Tensor& y, const Scratch& scratch, int worker);

// How many panels to hand out at a time for products of so many rows of x: enough to do so cheaply, few enough that no
// worker waits long for another.
int64_t panel_chunk(const Context& context, int64_t panels, int64_t tokens);

}  // namespace patina::ops
