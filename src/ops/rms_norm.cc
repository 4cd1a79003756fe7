#include "ops/rms_norm.h"

namespace patina::ops {

Tensor rms_norm(Context& context, const Tensor& x, const float* weight, float eps, int64_t width) {
  constexpr int64_t kChunk = 16;
  const int64_t runs = x.size() / width;
  Tensor y = context.make(x.rows(), x.cols());
  y.set_needs_grad(x.needs_grad());
  const bool records = context.records(x);
  const Tensor inverse = records ? context.make(1, runs) : Tensor();
  context.parallel(runs, kChunk, 4 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin; i < end; ++i) {
      const float inv = context.kernels.vector.rms_norm(x.data() + i * width, weight, eps, y.data() + i * width, width);
      if (records) inverse.data()[i] = inv;
    }
  });
  if (!records) return y;
  context.recorder->record(y, [x, y, weight, width, inverse](Context& ctx, Gradients& gradients) {
    const Tensor dy = gradients.take(y);
    if (!dy) return;
    const Tensor dx = gradients.into(x);
    ctx.parallel(inverse.cols(), kChunk, 8 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = i * width;
        ctx.kernels.vector.rms_norm_backward(x.data() + at, weight, inverse.data()[i], dy.data() + at, dx.data() + at,
                                             width);
      }
    });
  });
  return y;
}

}  // namespace patina::ops
