#include "ops/product.h"

#include <algorithm>

namespace patina::ops {

void ProductInput::include(const Context& context, const PackedMatrix& w) {
  if (!takes_rounded(context, w)) return;
  const auto& kernels = context.kernels.matmul;
  const kernels::ActsForm form = kernels.acts_form(w.type());
  if (find(form) != nullptr) return;
  const int64_t m = x_.rows();
  const int64_t k = x_.cols();
  const Tensor rounded = context.make(1, (kernels.quantized_acts_bytes(form, m, k) + 3) / 4);
  auto* out = reinterpret_cast<std::byte*>(rounded.data());
  constexpr int64_t kGroup = kernels::kActGroup;
  context.parallel((m + kGroup - 1) / kGroup, 1, m * k, [&](int64_t begin, int64_t end, int /*worker*/) {
    kernels.quantize_acts(form, {x_.data(), k}, m, k, {begin * kGroup, std::min(end * kGroup, m)}, out);
  });
  rounded_.push_back({form, rounded});
}

const std::byte* ProductInput::rounded(const Context& context, const PackedMatrix& w) const {
  return reinterpret_cast<const std::byte*>(find(context.kernels.matmul.acts_form(w.type()))->bytes.data());
}

const ProductInput::Rounded* ProductInput::find(kernels::ActsForm form) const {
  for (const Rounded& rounded : rounded_) {
    if (rounded.form == form) return &rounded;
  }
  return nullptr;
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
      kernels.matmul_rounded(packed, panels, input.rounded(context, w), y.rows(), out, scratch.tiles(worker));
    } else {
      kernels.matmul_f32(packed, panels, {input.x().data(), input.x().cols()}, y.rows(), out, scratch.tiles(worker));
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
