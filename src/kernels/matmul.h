#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/views.h"
#include "quant/dtype.h"

namespace patina::kernels {

// Packed matrices
// ---------------
// A weight matrix W [rows x cols] of any DType is multiplied in packed form: panels of kPanelRows consecutive rows,
// interleaved so that one SIMD lane holds one row. The layout is the same at every instruction set (drawn in
// packed_layout.h), holds the file's own codes and scales (no second rounding), and takes at most a few per cent more
// bytes than the file. The last panel is padded with rows of zeros. `cols` must be a multiple of the type's block.
constexpr int64_t kPanelRows = 16;
// quantize_acts works on groups of this many rows; ranges handed to it start at multiples of it.
constexpr int64_t kActGroup = 8;
// The same for quantize_gradients.
constexpr int64_t kGradientGroup = 16;

inline int64_t panel_count(int64_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

// Bytes of one packed panel (a multiple of 64) of a matrix with `cols` columns.
int64_t panel_bytes(quant::DType type, int64_t cols);

// Packs the panels `panels` of a matrix of `rows` rows, whose first row is at `file_rows`
// (row-major blocks as in the file), to packed + panel * panel_bytes. `packed` is 64-byte aligned.
void pack_panels(quant::DType type, const std::byte* file_rows, int64_t rows, int64_t cols, Range panels,
                 std::byte* packed);

// Whether gradients go back through a matrix of the type in 8 bits, where tile registers do not take them: types of 4
// and 5 bits without a table, with one scale for 32 columns.
bool backward_in_bytes(quant::DType type);

// How many of a matrix's rows or columns a call with many tokens should have, given work enough for all threads: fewer
// would fetch the tokens, or unpack weights, more often than pays. Multiples of 64.
struct CallSizes {
  int64_t rows;              // of matmul_rounded
  int64_t backward_columns;  // of matmul_backward_rounded
};

// How activations are rounded for matmul_rounded: so many columns of a row, half or all of a k-block of 32, have one
// scale, and no code is larger than `most`.
struct ActsForm {
  int columns;
  int most;

  friend bool operator==(const ActsForm&, const ActsForm&) = default;
};

// The multiplications, one table a level. All are single-threaded; callers hand out panels to threads. Pointers may be
// unaligned except packed weights and quantized activations (64 bytes).
struct MatmulKernels {
  CallSizes call;
  // How activations are rounded for weights of a quantized type: {32, 127}, but where columns are multiplied in pairs,
  // which leaves codes of fewer bits more for activations. Types of one form take the same activations.
  ActsForm (*acts_form)(quant::DType type);
  // Activations for matmul_rounded with weights of a form: each row in runs of form.columns to int8 with one f32 scale
  // (d = max|x| / form.most, q = round(x / d)), with the block sums that offsets need; for tiles (see matmul_rounded)
  // to bf16. Layout private to the level.
  int64_t (*quantized_acts_bytes)(ActsForm form, int64_t m, int64_t k);
  // Those of the m rows x [m x k] that are in `range`, which begins and ends at a multiple of kActGroup or ends at m.
  void (*quantize_acts)(ActsForm form, Rows<const float> x, int64_t m, int64_t k, Range range, std::byte* out);

  // y[t, r] = sum_k x[t, k] * W[r, k]   for t in [0, m), r in the rows of the panels `panels`,
  // with x as quantized by quantize_acts(acts_form(w.type), m, k = w.cols). Integer products, f32 scaling, or tiles. W
  // must be of a quantized type. Any m; m = 1..kActGroup are tuned for generation (memory-bound) and need no scratch,
  // larger m for prompts: weights are unpacked by tiles in `scratch`, 64-byte aligned. A row's result does not depend
  // on the other rows, but that levels with tile registers take from 32 rows on another way than with fewer: weights
  // and x are rounded to bf16, which costs 2.3e-3 of the result, and sums are f32.
  void (*matmul_rounded)(const PackedView& w, Range panels, const std::byte* acts, int64_t m, Rows<float> y,
                         float* scratch);

  // The same product with f32 activations, for float types and the precise path: weights are
  // dequantized by tiles in `scratch`. Up to m = kActGroup a row's result does not depend on the other rows.
  void (*matmul_f32)(const PackedView& w, Range panels, Rows<const float> x, int64_t m, Rows<float> y, float* scratch);

  // Backward of the product with respect to x:  dx[t, k] += sum_r dy[t, r] * W[r, k]
  // for t in [0, m), k in `columns`, over all rows of W; columns begin and end at multiples of 32 or end at w.cols.
  // Threads split the columns, so sums have one fixed order whatever the thread count. f32 throughout.
  void (*matmul_backward_f32)(const PackedView& w, Range columns, Rows<const float> dy, int64_t m, Rows<float> dx,
                              float* scratch);

  // Gradients dy [m x rows] for matmul_backward_rounded, rounded as that says for weights of a type. Layout private to
  // the level.
  int64_t (*quantized_gradients_bytes)(quant::DType type, int64_t m, int64_t rows);
  // Those of the m rows of dy that are in `range`, which begins and ends at a multiple of kGradientGroup or ends at m.
  void (*quantize_gradients)(quant::DType type, Rows<const float> dy, int64_t m, int64_t rows, Range range,
                             std::byte* out);

  // The same as matmul_backward_f32 for a quantized type with factors rounded, dy as quantize_gradients(m, rows) left
  // it. Where backward_in_bytes(), gradients times scales have 8 bits: for each token, 64 rows and 32 columns 127 steps
  // up to the largest gradient times the largest scale, which costs about 8e-3 of the result. Else gradients have 13
  // bits for each token and 256 rows, weights 12 bits for 256 rows and 32 columns, which together costs about 1e-3. In
  // tile registers both are bf16, which costs 2.3e-3. Columns begin and end at multiples of 32; `scratch` is
  // 64-byte aligned.
  void (*matmul_backward_rounded)(const PackedView& w, Range columns, const std::byte* gradients, int64_t m,
                                  Rows<float> dx, float* scratch);

  // Dequantizes columns, from a multiple of 32 to another, of one panel to
  // out[(k - columns.begin) * kPanelRows + lane].
  void (*unpack_panel)(const PackedView& w, int64_t panel, Range columns, float* out);

  // A coarse copy of the panels `panels` as a packed matrix of kQ4_0, written to
  // sketch + panel * panel_bytes(kQ4_0, w.cols), where unused k-blocks are left as they are. Goes to
  // lost [panels][w.cols / 32][kPanelRows], also for the padding rows: the mean square, over 32 columns, of
  // what the copy is off by; where w's own products do not round inputs as those with the copy do (float types, types
  // of another acts_form), also of what the inputs are off by. w.cols is a multiple of 32.
  void (*sketch_panels)(const PackedView& w, Range panels, std::byte* sketch, float* lost);
};

// Floats that the `scratch` of the products must hold; below 1 MiB in bytes.
constexpr int64_t kScratchFloats = 136 * 1024;

}  // namespace patina::kernels
