#include "autograd/saved_tensors.h"

#include <cmath>
#include <vector>

#include "base/half.h"

namespace patina::autograd {

namespace {

constexpr int64_t kChunk = 16;

// The power of two next to the root mean square of a row; 1 where there is none.
float size_of(const ops::Context& context, const float* row, int64_t cols) {
  const float mean = context.kernels.vector.sum_squares(row, cols) / static_cast<float>(cols);
  if (!std::isnormal(mean) || mean <= 0.0F) return 1.0F;
  return std::ldexp(1.0F, std::ilogb(mean) / 2);
}

}  // namespace

Compact::Compact(const ops::Context& context, const ops::Tensor& x)
    : outline_(x), halves_(context.make(x.rows(), (x.cols() + 1) / 2)), factors_(context.make(1, x.rows())) {
  context.parallel(x.rows(), kChunk, 4 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    std::vector<float> scaled(static_cast<size_t>(x.cols()));
    for (int64_t t = begin; t < end; ++t) {
      const float size = size_of(context, x.row(t), x.cols());
      context.kernels.vector.scale(1.0F / size, x.row(t), scaled.data(), x.cols());
      context.kernels.vector.f32_to_f16(scaled.data(), reinterpret_cast<f16*>(halves_.row(t)), x.cols());
      factors_.data()[t] = size;
    }
  });
}

ops::Tensor Compact::restore(const ops::Context& context) const {
  ops::Tensor x = context.buffers.make_again(outline_);
  context.parallel(x.rows(), kChunk, 2 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t t = begin; t < end; ++t) {
      context.kernels.vector.f16_to_f32(reinterpret_cast<const f16*>(halves_.row(t)), x.row(t), x.cols());
      context.kernels.vector.scale(factors_.data()[t], x.row(t), x.row(t), x.cols());
    }
  });
  return x;
}

ops::Tensor Derived::restore(const ops::Context& context) const {
  ops::Tensor x = context.buffers.make_again(outline_);
  recipe_(context, x);
  return x;
}

}  // namespace patina::autograd
