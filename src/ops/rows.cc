#include "ops/rows.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/split_mix.h"

namespace patina::ops {

namespace {

void add_into(const Context& context, const Tensor& x, const Tensor& y, const Tensor& out) {
  constexpr int64_t kChunk = 16384;
  context.parallel(out.size(), kChunk, out.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    context.kernels.vector.add(x.data() + begin, y.data() + begin, out.data() + begin, end - begin);
  });
}

}  // namespace

void add_to(const Context& context, const Tensor& total, const Tensor& x) { add_into(context, total, x, total); }

Tensor add(Context& context, const Tensor& x, const Tensor& y) {
  Tensor out = context.make(x.rows(), x.cols());
  out.set_needs_grad(x.needs_grad() || y.needs_grad());
  add_into(context, x, y, out);
  if (!context.records(out)) return out;
  context.recorder->record(out,
                           [x = x.outline(), y = y.outline(), out = out.outline()](Context& ctx, Gradients& gradients) {
                             Tensor dout = gradients.take(out);
                             if (!dout) return;
                             if (x.needs_grad() && y.needs_grad()) add_to(ctx, gradients.into(y), dout);
                             gradients.give(ctx, x.needs_grad() ? x : y, std::move(dout));
                           });
  return out;
}

Tensor gather_rows(Context& context, const Tensor& x, std::span<const int32_t> rows) {
  Tensor out = context.make(static_cast<int64_t>(rows.size()), x.cols());
  out.set_needs_grad(x.needs_grad());
  for (size_t i = 0; i < rows.size(); ++i) std::copy_n(x.row(rows[i]), x.cols(), out.row(static_cast<int64_t>(i)));
  if (!context.records(out)) return out;
  context.recorder->record(
      out, [x = x.outline(), out = out.outline(), kept = std::vector<int32_t>(rows.begin(), rows.end())](
               Context& ctx, Gradients& gradients) {
        const Tensor dout = gradients.take(out);
        if (!dout) return;
        const Tensor dx = gradients.into(x);
        for (size_t i = 0; i < kept.size(); ++i) {
          float* row = dx.row(kept[i]);
          ctx.kernels.vector.add(row, dout.row(static_cast<int64_t>(i)), row, dx.cols());
        }
      });
  return out;
}

void add_noise(Context& context, const Tensor& x, float size, uint64_t seed) {
  constexpr int64_t kChunk = 16384;
  context.parallel(x.size(), kChunk, 4 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t number = mix(seed + static_cast<uint64_t>(i));
      x.data()[i] += size * (static_cast<float>(number >> 40) * 0x1p-23F - 1.0F);
    }
  });
}

}  // namespace patina::ops
