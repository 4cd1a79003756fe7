#pragma once

#include <cstdint>

#include "ops/context.h"
#include "ops/packed_matrix.h"

// Parts of the products W x that linear.h and sketch.h share. Internal to this folder.
namespace patina::ops {

// The input x [tokens x in] of a product in the forms that its kernels read.
struct ProductInput {
  Tensor x;
  Tensor quantized;  // holds bytes; empty where no product takes the integer path
};

// Whether x is quantized to 8 bits for products with `w`.
inline bool takes_integers(const Context& context, const PackedMatrix& w) {
  return !context.precise && !quant::is_float(w.type());
}

ProductInput prepare(Context& context, const Tensor& x, bool integers);

// y[t, r] = sum_i W[r, i] x[t, i] for the rows r of the panels [panel_begin, panel_end), on the calling thread.
// `scratch` [kScratchFloats] may be null for up to kActGroup tokens of the integer path.
void multiply(const Context& context, const PackedMatrix& w, const ProductInput& input, int64_t panel_begin,
              int64_t panel_end, const Tensor& y, float* scratch);

// Scratch for unpacked tiles, one row a worker; empty when no product needs it.
Tensor make_scratch(const Context& context, bool needed);

// How many panels to hand out at a time: enough to do so cheaply, few enough that no worker waits long for another.
int64_t panel_chunk(const Context& context, int64_t panels);

}  // namespace patina::ops
