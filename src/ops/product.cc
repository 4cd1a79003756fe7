#include "ops/product.h"

#include <algorithm>

namespace patina::ops {

ProductInput prepare(Context& context, const Tensor& x, bool rounds) {
  ProductInput input{x, {}};
  if (!rounds) return input;
  const auto& kernels = context.kernels.matmul;
  const int64_t m = x.rows();
  const int64_t k = x.cols();
  const int64_t bytes = kernels.quantized_acts_bytes(m, k);
  input.quantized = context.make(1, (bytes + 3) / 4);
  auto* out = reinterpret_cast<std::byte*>(input.quantized.data());
  const int64_t groups = (m + kernels::kActGroup - 1) / kernels::kActGroup;
  context.parallel(groups, 1, m * k, [&](int64_t begin, int64_t end, int /*worker*/) {
    kernels.quantize_acts({x.data(), k}, m, k, {begin * kernels::kActGroup, std::min(end * kernels::kActGroup, m)},
                          out);
  });
  return input;
}

void Scratch::include(const Context& context, const PackedMatrix& w, int64_t tokens) {
  if (tokens > kernels::kActGroup || !takes_rounded(context, w)) floats_ = kernels::kScratchFloats;
  if (w.data() == nullptr) panel_bytes_ = std::max(panel_bytes_, kernels::panel_bytes(w.type(), w.cols()));
}

void Scratch::make(const Context& context) {
  const int64_t floats = floats_ + panel_bytes_ / static_cast<int64_t>(sizeof(float));
  if (floats > 0) rows_ = context.make(context.pool.size(), floats);
}

void multiply(const Context& context, const PackedMatrix& w, const ProductInput& input, int64_t panel_begin,
              int64_t panel_end, const Tensor& y, const Scratch& scratch, int worker) {
  const auto product = [&](const kernels::PackedView& packed, kernels::Range panels, float* to) {
    const auto& kernels = context.kernels.matmul;
    const kernels::Rows<float> out{to, y.cols()};
    if (takes_rounded(context, w)) {
      kernels.matmul_rounded(packed, panels, reinterpret_cast<const std::byte*>(input.quantized.data()), y.rows(), out,
                             scratch.tiles(worker));
    } else {
      kernels.matmul_f32(packed, panels, {input.x.data(), input.x.cols()}, y.rows(), out, scratch.tiles(worker));
    }
  };
  if (w.data() != nullptr) return product(w.view(), {panel_begin, panel_end}, y.data());
  const int64_t row_bytes = quant::row_bytes(w.type(), w.cols());
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const int64_t first = p * kernels::kPanelRows;
    const int64_t rows = std::min(kernels::kPanelRows, w.rows() - first);
    kernels::pack_panels(w.type(), w.file_rows().data() + first * row_bytes, rows, w.cols(), {0, 1},
                         scratch.panel(worker));
    product({w.type(), scratch.panel(worker), rows, w.cols()}, {0, 1}, y.data() + first);
  }
}

int64_t panel_chunk(const Context& context, int64_t panels, int64_t tokens) {
  const int64_t workers = context.pool.size();
  if (tokens <= kernels::kActGroup) return std::clamp<int64_t>(panels / (workers * 8), 1, 8);
  const int64_t most = context.kernels.matmul.call.rows / kernels::kPanelRows;
  const int64_t least = std::clamp<int64_t>(panels / workers, 1, most / 4);
  return std::clamp<int64_t>(panels / (workers * 4), least, most);
}

}  // namespace patina::ops
