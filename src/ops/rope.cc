#include "ops/rope.h"

#include <cmath>
#include <vector>

namespace patina::ops {

namespace {

constexpr int64_t kChunk = 16;

// `sign` -1 turns back.
void rotate(const Context& context, const Tensor& x, int64_t head_dim, const RopeAngles& angles, float sign) {
  const int64_t pairs = angles.cos.cols();
  context.parallel(x.rows(), kChunk, 4 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    std::vector<float> sines(static_cast<size_t>(pairs));
    for (int64_t t = begin; t < end; ++t) {
      context.kernels.vector.scale(sign, angles.sin.row(t), sines.data(), pairs);
      for (int64_t at = 0; at < x.cols(); at += head_dim) {
        context.kernels.vector.rope(x.row(t) + at, angles.cos.row(t), sines.data(), 2 * pairs, angles.layout);
      }
    }
  });
}

}  // namespace

RopeAngles rope_angles(Context& context, const RopeShape& shape, std::span<const int64_t> positions) {
  const auto rows = static_cast<int64_t>(positions.size());
  const auto pairs = static_cast<int64_t>(shape.frequencies.size());
  RopeAngles angles{context.make(rows, pairs), context.make(rows, pairs), shape.layout};
  context.parallel(rows, kChunk, 32 * rows * pairs, [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t t = begin; t < end; ++t) {
      const auto position = static_cast<float>(positions[static_cast<size_t>(t)]);
      for (int64_t i = 0; i < pairs; ++i) {
        const float angle = position * shape.frequencies[static_cast<size_t>(i)];
        angles.cos.row(t)[i] = std::cos(angle);
        angles.sin.row(t)[i] = std::sin(angle);
      }
    }
  });
  return angles;
}

void rope(Context& context, const Tensor& x, int64_t head_dim, const RopeAngles& angles) {
  rotate(context, x, head_dim, angles, 1.0F);
  if (!context.records(x)) return;
  context.recorder->change(
      x, [head_dim, angles](const Context& ctx, const Tensor& again) { rotate(ctx, again, head_dim, angles, 1.0F); });
  context.recorder->record(x, [x = x.outline(), head_dim, angles](Context& ctx, Gradients& gradients) {
    const Tensor dx = gradients.look(x);
    if (dx) rotate(ctx, dx, head_dim, angles, -1.0F);
  });
}

}  // namespace patina::ops
