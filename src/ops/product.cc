#include "ops/product.h"

#include <algorithm>

namespace patina::ops {

ProductInput prepare(Context& context, const Tensor& x, bool integers) {
  ProductInput input{x, {}};
  if (!integers) return input;
  const auto& kernels = context.kernels.matmul;
  const int64_t m = x.rows();
  const int64_t k = x.cols();
  const int64_t bytes = kernels.quantized_acts_bytes(m, k);
  input.quantized = context.make(1, (bytes + 3) / 4);
  auto* out = reinterpret_cast<std::byte*>(input.quantized.data());
  const int64_t groups = (m + kernels::kActGroup - 1) / kernels::kActGroup;
  context.parallel(groups, 1, m * k, [&](int64_t begin, int64_t end, int /*worker*/) {
    kernels.quantize_acts(x.data(), k, m, k, begin * kernels::kActGroup, std::min(end * kernels::kActGroup, m), out);
  });
  return input;
}

void multiply(const Context& context, const PackedMatrix& w, const ProductInput& input, int64_t panel_begin,
              int64_t panel_end, const Tensor& y, float* scratch) {
  const auto& kernels = context.kernels.matmul;
  const int64_t m = y.rows();
  if (takes_integers(context, w)) {
    kernels.matmul_q8(w.type(), w.data(), w.rows(), w.cols(), panel_begin, panel_end,
                      reinterpret_cast<const std::byte*>(input.quantized.data()), m, y.data(), y.cols(), scratch);
  } else {
    kernels.matmul_f32(w.type(), w.data(), w.rows(), w.cols(), panel_begin, panel_end, input.x.data(), input.x.cols(),
                       m, y.data(), y.cols(), scratch);
  }
}

Tensor make_scratch(const Context& context, bool needed) {
  return needed ? context.make(context.pool.size(), kernels::kScratchFloats) : Tensor();
}

int64_t panel_chunk(const Context& context, int64_t panels) {
  return std::clamp<int64_t>(panels / (context.pool.size() * 8), 1, 8);
}

}  // namespace patina::ops
