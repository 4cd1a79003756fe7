#include "ops/gated_activation.h"

#include <algorithm>

namespace patina::ops {

namespace {
constexpr int64_t kChunk = 4096;  // elements a worker takes at a time
constexpr int64_t kCost = 16;     // operations an element, roughly
}  // namespace

Tensor gated_activation(Context& context, const Tensor& gate, const Tensor& up, Activation activation) {
  const auto& vector = context.kernels.vector;
  const auto forward = activation == Activation::kSilu ? vector.silu_mul : vector.gelu_mul;
  const auto backward = activation == Activation::kSilu ? vector.silu_mul_backward : vector.gelu_mul_backward;
  const auto apply = [forward](const Context& ctx, const Tensor& g, const Tensor& u, const Tensor& result) {
    ctx.parallel(result.size(), kChunk, kCost * result.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
      forward(g.data() + begin, u.data() + begin, result.data() + begin, end - begin);
    });
  };
  Tensor out = context.make(gate.rows(), gate.cols());
  out.set_needs_grad(gate.needs_grad() || up.needs_grad());
  apply(context, gate, up, out);
  if (!context.records(out)) return out;
  const auto saved_gate = context.recorder->save(context, gate);
  const auto saved_up = context.recorder->save(context, up);
  context.recorder->derive(out, [apply, saved_gate, saved_up](const Context& ctx, const Tensor& again) {
    apply(ctx, saved_gate->restore(ctx), saved_up->restore(ctx), again);
  });
  context.recorder->record(
      out, [saved_gate, saved_up, out = out.outline(), backward](Context& ctx, Gradients& gradients) {
        const Tensor dout = gradients.take(out);
        if (!dout) return;
        const Tensor g = saved_gate->restore(ctx);
        const Tensor u = saved_up->restore(ctx);
        const Tensor dg = ctx.make(g.rows(), g.cols());
        const Tensor du = ctx.make(u.rows(), u.cols());
        ctx.parallel(out.size(), kChunk, kCost * out.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
          backward(g.data() + begin, u.data() + begin, dout.data() + begin, dg.data() + begin, du.data() + begin,
                   end - begin);
        });
        for (const auto& [input, d] : {std::pair(g.outline(), dg), std::pair(u.outline(), du)}) {
          if (input.needs_grad()) gradients.give(ctx, input, d);
        }
      });
  return out;
}

}  // namespace patina::ops
