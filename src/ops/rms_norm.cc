#include "ops/rms_norm.h"

namespace patina::ops {

namespace {

constexpr int64_t kChunk = 16;

// `inverse`, where there is one, takes the factor of each run of `width` numbers.
void normalize(const Context& context, const Tensor& x, const float* weight, float eps, int64_t width, const Tensor& y,
               const Tensor& inverse) {
  const int64_t runs = x.size() / width;
  context.parallel(runs, kChunk, 4 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin; i < end; ++i) {
      const float inv = context.kernels.vector.rms_norm(x.data() + i * width, weight, eps, y.data() + i * width, width);
      if (inverse) inverse.data()[i] = inv;
    }
  });
}

}  // namespace

Tensor rms_norm(Context& context, const Tensor& x, const float* weight, float eps, int64_t width) {
  Tensor y = context.make(x.rows(), x.cols());
  y.set_needs_grad(x.needs_grad());
  const bool records = context.records(x);
  const Tensor inverse = records ? context.make(1, x.size() / width) : Tensor();
  normalize(context, x, weight, eps, width, y, inverse);
  if (!records) return y;
  const auto saved = context.recorder->save(context, x);
  context.recorder->derive(y, [saved, weight, eps, width](const Context& ctx, const Tensor& out) {
    normalize(ctx, saved->restore(ctx), weight, eps, width, out, {});
  });
  context.recorder->record(y, [saved, y = y.outline(), weight, width, inverse](Context& ctx, Gradients& gradients) {
    const Tensor dy = gradients.take(y);
    if (!dy) return;
    const Tensor input = saved->restore(ctx);
    const Tensor dx = gradients.into(input);
    ctx.parallel(inverse.cols(), kChunk, 8 * input.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = i * width;
        ctx.kernels.vector.rms_norm_backward(input.data() + at, weight, inverse.data()[i], dy.data() + at,
                                             dx.data() + at, width);
      }
    });
  });
  return y;
}

}  // namespace patina::ops
