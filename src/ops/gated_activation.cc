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
  Tensor out = context.make(gate.rows(), gate.cols());
  out.set_needs_grad(gate.needs_grad() || up.needs_grad());
  context.parallel(out.size(), kChunk, kCost * out.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    forward(gate.data() + begin, up.data() + begin, out.data() + begin, end - begin);
  });
  if (!context.records(out)) return out;
  context.recorder->record(out, [gate, up, out, backward](Context& ctx, Gradients& gradients) {
    const Tensor dout = gradients.take(out);
    if (!dout) return;
    const Tensor dgate = ctx.make(gate.rows(), gate.cols());
    const Tensor dup = ctx.make(up.rows(), up.cols());
    ctx.parallel(out.size(), kChunk, kCost * out.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
      backward(gate.data() + begin, up.data() + begin, dout.data() + begin, dgate.data() + begin, dup.data() + begin,
               end - begin);
    });
    for (const auto& [input, d] : {std::pair(gate, dgate), std::pair(up, dup)}) {
      if (!input.needs_grad()) continue;
      const Tensor total = gradients.into(input);
      ctx.kernels.vector.add(total.data(), d.data(), total.data(), total.size());
    }
  });
  return out;
}

}  // namespace patina::ops
