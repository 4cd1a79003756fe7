#include "ops/linear.h"

#include <algorithm>

#include "base/error.h"
#include "ops/product.h"

namespace patina::ops {

namespace {

using kernels::kPanelRows;

void add_bias(const Context& context, const float* bias, int64_t panel_begin, int64_t panel_end, const Tensor& y) {
  const int64_t begin = panel_begin * kPanelRows;
  const int64_t count = std::min(panel_end * kPanelRows, y.cols()) - begin;
  for (int64_t t = 0; t < y.rows(); ++t) {
    float* out = y.row(t) + begin;
    context.kernels.vector.add(out, bias + begin, out, count);
  }
}

// Holds bytes.
Tensor quantize_gradients(const Context& context, quant::DType type, const Tensor& dy) {
  const auto& kernels = context.kernels.matmul;
  const int64_t m = dy.rows();
  Tensor quantized = context.make(1, (kernels.quantized_gradients_bytes(type, m, dy.cols()) + 3) / 4);
  constexpr int64_t kGroup = kernels::kGradientGroup;
  context.parallel((m + kGroup - 1) / kGroup, 1, dy.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    kernels.quantize_gradients(type, {dy.data(), dy.cols()}, m, dy.cols(), {begin * kGroup, std::min(end * kGroup, m)},
                               reinterpret_cast<std::byte*>(quantized.data()));
  });
  return quantized;
}

// How many columns of a product's gradient to hand out at a time.
int64_t column_chunk(const Context& context, int64_t columns) {
  constexpr int64_t kLeast = 64;
  const int64_t even = columns / (context.pool.size() * int64_t{4} * kLeast) * kLeast;
  return std::clamp(even, kLeast, context.kernels.matmul.call.backward_columns);
}

bool trains(const Context& context, const Linear& layer) {
  return context.recorder != nullptr && std::any_of(layer.adapters.begin(), layer.adapters.end(),
                                                    [](const LoraTerm& term) { return term.b.needs_grad(); });
}

void record_backward(Context& context, const Tensor& x, const Linear& layer, const Tensor& y) {
  if (!context.records(y)) return;
  context.recorder->record(
      y, [x = x.outline(), y = y.outline(), weight = layer.weight](Context& ctx, Gradients& gradients) {
        const Tensor dy = gradients.take(y);
        if (dy && x.needs_grad()) linear_backward(ctx, *weight, dy, gradients.into(x));
      });
}

}  // namespace

std::vector<Tensor> linear(Context& context, const Tensor& x, std::span<const Linear> layers) {
  std::vector<Tensor> results;
  int64_t panels = 0;
  Scratch scratch;
  ProductInput input(x);
  int64_t work = 0;
  for (const Linear& layer : layers) {
    const PackedMatrix& w = *layer.weight;
    if (w.cols() != x.cols()) {
      fail(ErrorKind::kInvalidArgument, "a matrix with {} columns cannot multiply rows of {}", w.cols(), x.cols());
    }
    results.push_back(context.make(x.rows(), w.rows()));
    results.back().set_needs_grad(x.needs_grad() || trains(context, layer));
    panels += w.panels();
    input.include(context, w);
    scratch.include(context, w, x.rows());
    work += w.rows() * w.cols() * x.rows();
  }
  scratch.make(context);
  context.parallel(panels, panel_chunk(context, panels, x.rows()), work, [&](int64_t begin, int64_t end, int worker) {
    int64_t first = 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      const PackedMatrix& w = *layers[i].weight;
      const auto [from, to] = w.part_of(begin - first, end - first);
      first += w.panels();
      if (from >= to) continue;
      multiply(context, w, input, from, to, results[i], scratch, worker);
      if (layers[i].bias != nullptr && !has_gain(layers[i])) add_bias(context, layers[i].bias, from, to, results[i]);
    }
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    record_backward(context, x, layers[i], results[i]);
    for (const LoraTerm& term : layers[i].adapters) {
      add_lora(context, x, term, results[i]);
      if (term.gain && layers[i].bias != nullptr) {
        add_bias(context, layers[i].bias, 0, layers[i].weight->panels(), results[i]);
      }
    }
  }
  return results;
}

Tensor linear(Context& context, const Tensor& x, const Linear& layer) {
  return std::move(linear(context, x, std::span(&layer, 1)).front());
}

void linear_backward(Context& context, const PackedMatrix& weight, const Tensor& dy, const Tensor& dx) {
  const auto& kernels = context.kernels.matmul;
  const bool rounds = takes_rounded(context, weight);
  const Tensor quantized = rounds ? quantize_gradients(context, weight.type(), dy) : Tensor();
  const Tensor scratch = context.make(context.pool.size(), kernels::kScratchFloats);
  const int64_t k = weight.cols();
  // Smaller pieces would unpack weights in vain, and larger ones end less evenly.
  const int64_t chunk = rounds ? column_chunk(context, k) : 128;
  context.pool.parallel_for(k, chunk, [&](int64_t from, int64_t to, int worker) {
    const kernels::Rows<float> out{dx.data(), dx.cols()};
    if (rounds) {
      kernels.matmul_backward_rounded(weight.view(), {from, to}, reinterpret_cast<const std::byte*>(quantized.data()),
                                      dy.rows(), out, scratch.row(worker));
    } else {
      kernels.matmul_backward_f32(weight.view(), {from, to}, {dy.data(), dy.cols()}, dy.rows(), out,
                                  scratch.row(worker));
    }
  });
}

}  // namespace patina::ops
