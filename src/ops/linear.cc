#include "ops/linear.h"

#include <algorithm>

#include "base/error.h"

namespace patina::ops {

namespace {

using kernels::kPanelRows;

// The input of a product in the form that its kernel reads.
struct Input {
  Tensor x;
  Tensor quantized;  // holds bytes; empty where no layer takes the integer path
};

bool takes_integers(const Context& context, const PackedMatrix& w) {
  return !context.precise && !quant::is_float(w.type());
}

Input prepare(Context& context, const Tensor& x, std::span<const Linear> layers) {
  Input input{x, {}};
  const auto integer = [&](const Linear& layer) { return takes_integers(context, *layer.weight); };
  if (std::none_of(layers.begin(), layers.end(), integer)) return input;
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

void multiply(const Context& context, const PackedMatrix& w, const Input& input, int64_t panel_begin, int64_t panel_end,
              const Tensor& y, float* scratch) {
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

void add_bias(const Context& context, const float* bias, int64_t panel_begin, int64_t panel_end, const Tensor& y) {
  const int64_t begin = panel_begin * kPanelRows;
  const int64_t count = std::min(panel_end * kPanelRows, y.cols()) - begin;
  for (int64_t t = 0; t < y.rows(); ++t) {
    float* out = y.row(t) + begin;
    context.kernels.vector.add(out, bias + begin, out, count);
  }
}

bool trains(const Context& context, const Linear& layer) {
  return context.recorder != nullptr && std::any_of(layer.adapters.begin(), layer.adapters.end(),
                                                    [](const LoraTerm& term) { return term.b.needs_grad(); });
}

// Scratch for unpacked tiles, one piece a worker; empty when no product needs it.
Tensor make_scratch(const Context& context, bool needed) {
  return needed ? context.make(context.pool.size(), kernels::kScratchFloats) : Tensor();
}

void record_backward(Context& context, const Tensor& x, const Linear& layer, const Tensor& y) {
  if (!context.records(y)) return;
  context.recorder->record(y, [x, y, weight = layer.weight](Context& ctx, Gradients& gradients) {
    const Tensor dy = gradients.take(y);
    if (dy && x.needs_grad()) linear_backward(ctx, *weight, dy, gradients.into(x));
  });
}

}  // namespace

std::vector<Tensor> linear(Context& context, const Tensor& x, std::span<const Linear> layers) {
  std::vector<Tensor> results;
  int64_t panels = 0;
  bool unpacks = x.rows() > kernels::kActGroup;
  int64_t work = 0;
  for (const Linear& layer : layers) {
    const PackedMatrix& w = *layer.weight;
    if (w.cols() != x.cols()) {
      fail(ErrorKind::kInvalidArgument, "a matrix with {} columns cannot multiply rows of {}", w.cols(), x.cols());
    }
    results.push_back(context.make(x.rows(), w.rows()));
    results.back().set_needs_grad(x.needs_grad() || trains(context, layer));
    panels += w.panels();
    unpacks = unpacks || !takes_integers(context, w);
    work += w.rows() * w.cols() * x.rows();
  }
  const Input input = prepare(context, x, layers);
  const Tensor scratch = make_scratch(context, unpacks);
  // Chunks large enough to hand out cheaply, small enough that no worker waits long for another.
  const int64_t chunk = std::clamp<int64_t>(panels / (context.pool.size() * 8), 1, 8);
  context.parallel(panels, chunk, work, [&](int64_t begin, int64_t end, int worker) {
    int64_t first = 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      const PackedMatrix& w = *layers[i].weight;
      const int64_t from = std::max(begin - first, int64_t{0});
      const int64_t to = std::min(end - first, w.panels());
      first += w.panels();
      if (from >= to) continue;
      multiply(context, w, input, from, to, results[i], scratch ? scratch.row(worker) : nullptr);
      if (layers[i].bias != nullptr) add_bias(context, layers[i].bias, from, to, results[i]);
    }
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    record_backward(context, x, layers[i], results[i]);
    for (const LoraTerm& term : layers[i].adapters) add_lora(context, x, term, results[i]);
  }
  return results;
}

Tensor linear(Context& context, const Tensor& x, const Linear& layer) {
  return std::move(linear(context, x, std::span(&layer, 1)).front());
}

void linear_backward(Context& context, const PackedMatrix& weight, const Tensor& dy, const Tensor& dx) {
  constexpr int64_t kColumns = 128;
  const Tensor scratch = make_scratch(context, true);
  const int64_t k = weight.cols();
  const int64_t chunks = (k + kColumns - 1) / kColumns;
  context.pool.parallel_for(chunks, 1, [&](int64_t begin, int64_t end, int worker) {
    context.kernels.matmul.matmul_backward_f32(weight.type(), weight.data(), weight.rows(), k, begin * kColumns,
                                               std::min(end * kColumns, k), dy.data(), dy.cols(), dy.rows(), dx.data(),
                                               dx.cols(), scratch.row(worker));
  });
}

}  // namespace patina::ops
