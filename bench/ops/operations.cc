#include "bench/ops/operations.h"

#include <algorithm>
#include <memory>
#include <random>
#include <span>
#include <utility>

#include "model/hyperparameters.h"
#include "model/kv_cache.h"
#include "ops/linear.h"
#include "ops/packed_matrix.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "platform/huge_buffer.h"
#include "sampling/sampler.h"

namespace patina::bench {

namespace {

tensor::Tensor filled(ops::Context& context, int64_t rows, int64_t cols) {
  const tensor::Tensor x = context.make(rows, cols);
  std::ranges::copy(numbers(rows * cols), x.data());
  return x;
}

std::shared_ptr<const ops::PackedMatrix> random_matrix(ThreadPool& pool, quant::DType type, int64_t rows,
                                                       int64_t cols) {
  std::vector<uint16_t> file(static_cast<size_t>(rows * quant::row_bytes(type, cols)) / sizeof(uint16_t));
  std::mt19937 random(1);
  // Small positive f16 wherever a scale may lie.
  for (uint16_t& word : file) word = static_cast<uint16_t>(random() & 0x1FFFU);
  return std::make_shared<ops::PackedMatrix>(pool, type, std::as_bytes(std::span(file)), rows, cols);
}

// One layer's cached positions of one sequence.
struct CachedLayer {
  CachedLayer(const ops::AttentionShape& shape, int64_t tokens) : cache(hyper_of(shape), tokens), sequence(cache) {
    sequence.grow(tokens);
  }

  static model::Hyperparameters hyper_of(const ops::AttentionShape& shape) {
    model::Hyperparameters hyper;
    hyper.layers = 1;
    hyper.kv_heads = shape.kv_heads;
    hyper.head_dim = shape.head_dim;
    return hyper;
  }

  model::KvCache cache;
  model::KvSequence sequence;
};

}  // namespace

std::vector<float> numbers(int64_t count) {
  std::mt19937 random(2);
  std::vector<float> list(static_cast<size_t>(count));
  for (float& number : list) number = static_cast<float>(random() % 2001) * 0.001F - 1.0F;
  return list;
}

Step linear_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t rows, int64_t cols) {
  return [&context, w = random_matrix(context.pool, type, rows, cols), x = filled(context, tokens, cols)] {
    ops::linear(context, x, {.weight = w.get(), .bias = nullptr, .adapters = {}});
  };
}

Step linear_backward_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t rows, int64_t cols) {
  return [&context, w = random_matrix(context.pool, type, rows, cols), dy = filled(context, tokens, rows),
          dx = filled(context, tokens, cols)] { ops::linear_backward(context, *w, dy, dx); };
}

Step quantize_step(ops::Context& context, int64_t tokens, int64_t cols) {
  const kernels::MatmulKernels& table = context.kernels.matmul;
  const auto out =
      std::make_shared<platform::HugeBuffer>(static_cast<size_t>(table.quantized_acts_bytes(tokens, cols)));
  return [&table, out, x = filled(context, tokens, cols)] {
    table.quantize_acts(x.data(), x.cols(), x.rows(), x.cols(), 0, x.rows(), out->data());
  };
}

Step attention_step(ops::Context& context, int64_t tokens, int64_t position, const ops::AttentionShape& shape) {
  const auto layer = std::make_shared<CachedLayer>(shape, position + tokens);
  const auto run = [&context, shape, layer](const tensor::Tensor& q, const tensor::Tensor& kv, int64_t at) {
    const ops::Segment segment{.begin = 0, .count = q.rows(), .position = at, .cache = layer->sequence.layer(0)};
    ops::attention(context, q, kv, kv, shape, {&segment, 1});
  };
  const auto queries = [&](int64_t rows) { return filled(context, rows, shape.heads * shape.head_dim); };
  const auto keys = [&](int64_t rows) { return filled(context, rows, shape.kv_heads * shape.head_dim); };
  if (position > 0) run(queries(position), keys(position), 0);
  return [run, position, q = queries(tokens), kv = keys(tokens)] { run(q, kv, position); };
}

Step rms_norm_step(ops::Context& context, int64_t tokens, int64_t cols) {
  return [&context, x = filled(context, tokens, cols), weight = numbers(cols)] {
    ops::rms_norm(context, x, weight.data(), 1e-6F, x.cols());
  };
}

Step rope_step(ops::Context& context, int64_t tokens, int64_t heads, int64_t head_dim, kernels::RopeLayout layout) {
  const std::vector<float> frequencies = numbers(head_dim / 2);
  std::vector<int64_t> positions(static_cast<size_t>(tokens));
  for (int64_t i = 0; i < tokens; ++i) positions[static_cast<size_t>(i)] = i;
  const ops::RopeAngles angles = ops::rope_angles(context, {frequencies, layout}, positions);
  return [&context, angles, head_dim, x = filled(context, tokens, heads * head_dim)] {
    ops::rope(context, x, head_dim, angles);
  };
}

Step gated_activation_step(ops::Context& context, int64_t tokens, int64_t cols, ops::Activation activation) {
  return [&context, activation, gate = filled(context, tokens, cols), up = filled(context, tokens, cols)] {
    ops::gated_activation(context, gate, up, activation);
  };
}

Step sampling_step(int64_t vocabulary, float temperature) {
  std::vector<float> logits = numbers(vocabulary);
  for (float& logit : logits) logit *= 10;
  sampling::SamplingParams params;
  params.temperature = temperature;
  const auto sampler = std::make_shared<sampling::Sampler>(std::move(params));
  return [sampler, logits = std::move(logits)] { sampler->sample(logits); };
}

}  // namespace patina::bench
