#include "bench/ops/operations.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <unordered_map>
#include <utility>

#include "autograd/saved_tensors.h"
#include "kernels/packed_layout.h"
#include "model/hyperparameters.h"
#include "model/kv_cache.h"
#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/lora.h"
#include "ops/packed_matrix.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/rows.h"
#include "ops/sketch.h"
#include "platform/huge_buffer.h"
#include "sampling/sampler.h"

namespace patina::bench {

namespace {

tensor::Tensor filled(ops::Context& context, int64_t rows, int64_t cols) {
  const tensor::Tensor x = context.make(rows, cols);
  std::ranges::copy(numbers(rows * cols), x.data());
  return x;
}

// A matrix as it stands in a file.
std::vector<std::byte> random_file(quant::DType type, int64_t rows, int64_t cols) {
  std::vector<std::byte> file(static_cast<size_t>(rows * quant::row_bytes(type, cols)));
  std::mt19937 random(1);
  // Small positive f16 wherever a scale may lie.
  for (size_t i = 0; i < file.size(); i += sizeof(uint16_t)) {
    const auto word = static_cast<uint16_t>(random() & 0x1FFFU);
    std::memcpy(file.data() + i, &word, sizeof(word));
  }
  return file;
}

std::shared_ptr<const ops::PackedMatrix> random_matrix(ThreadPool& pool, quant::DType type, int64_t rows,
                                                       int64_t cols) {
  const std::vector<std::byte> file = random_file(type, rows, cols);
  return std::make_shared<ops::PackedMatrix>(pool, type, file, rows, cols);
}

std::shared_ptr<platform::HugeBuffer> panels(quant::DType type, int64_t rows, int64_t cols) {
  return std::make_shared<platform::HugeBuffer>(
      static_cast<size_t>(kernels::panel_count(rows) * kernels::panel_bytes(type, cols)));
}

// Rows all over a vocabulary.
std::vector<int32_t> token_ids(int64_t tokens, int64_t vocabulary) {
  std::mt19937 random(3);
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % static_cast<uint32_t>(vocabulary));
  return ids;
}

// One layer's cached positions of one sequence.
struct CachedLayer {
  CachedLayer(const ops::AttentionShape& shape, int64_t tokens, quant::DType type)
      : cache(hyper_of(shape), tokens, {.keys = type, .values = type}), sequence(cache) {
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

// Keeps the backward step of one operation, to be run again and again.
class OneStep final : public ops::Recorder, private ops::Gradients {
 public:
  // `gradient`: of the operation's result.
  explicit OneStep(ops::Context& context, tensor::Tensor gradient)
      : context_(context), gradient_(std::move(gradient)) {}

  void run() { backward_(context_, *this); }

  void record(const ops::Outline& /*result*/, Backward backward) override { backward_ = std::move(backward); }
  std::shared_ptr<const ops::Saved> save(const ops::Context& /*context*/, const ops::Tensor& x) override {
    return std::make_shared<autograd::Whole>(x);
  }
  void derive(const ops::Outline& /*result*/, Recipe /*recipe*/) override {}
  void change(const ops::Outline& /*x*/, Recipe /*change*/) override {}
  ops::Tensor run_block(ops::Context& context, const ops::Tensor& x, Block block) override { return block(context, x); }

 private:
  ops::Tensor take(const ops::Outline& /*result*/) override { return gradient_; }
  ops::Tensor look(const ops::Outline& /*result*/) override { return gradient_; }
  ops::Tensor into(const ops::Outline& input) override {
    ops::Tensor& gradient = into_[input.key()];
    if (!gradient) gradient = context_.buffers.make_zero(input.rows(), input.cols());
    return gradient;
  }
  void give(const ops::Context& context, const ops::Outline& input, ops::Tensor gradient) override {
    ops::add_to(context, into(input), gradient);
  }

  ops::Context& context_;
  ops::Tensor gradient_;
  Backward backward_;
  std::unordered_map<const void*, ops::Tensor> into_;
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
  const kernels::ActsForm form = table.acts_form(quant::DType::kQ4_0);
  const auto out =
      std::make_shared<platform::HugeBuffer>(static_cast<size_t>(table.quantized_acts_bytes(form, tokens, cols)));
  return [&table, form, out, x = filled(context, tokens, cols)] {
    table.quantize_acts(form, {x.data(), x.cols()}, x.rows(), x.cols(), {0, x.rows()}, out->data());
  };
}

Step pack_step(quant::DType type, int64_t rows, int64_t cols) {
  return [=, file = random_file(type, rows, cols), packed = panels(type, rows, cols)] {
    kernels::pack_panels(type, file.data(), rows, cols, {0, kernels::panel_count(rows)}, packed->data());
  };
}

Step sketch_step(ops::Context& context, quant::DType type, int64_t rows, int64_t cols) {
  const kernels::MatmulKernels& table = context.kernels.matmul;
  const auto lost = std::make_shared<std::vector<float>>(
      static_cast<size_t>(kernels::panel_count(rows) * kernels::kPanelRows * cols / kernels::kBlockColumns));
  return [&table, lost, w = random_matrix(context.pool, type, rows, cols),
          coarse = panels(quant::DType::kQ4_0, rows, cols)] {
    table.sketch_panels(w->view(), {0, w->panels()}, coarse->data(), lost->data());
  };
}

Step largest_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t rows, int64_t cols) {
  const auto w = random_matrix(context.pool, type, rows, cols);
  const auto sketch = std::make_shared<ops::Sketch>(context.pool, context.kernels, *w);
  return [&context, w, sketch, x = filled(context, tokens, cols),
          wanted = std::vector<int64_t>(static_cast<size_t>(tokens), 40)] { sketch->largest(context, x, wanted); };
}

Step lora_step(ops::Context& context, int64_t tokens, int64_t rank, int64_t rows, int64_t cols) {
  return [&context, term = ops::LoraTerm{.a = filled(context, rank, cols), .b = filled(context, rows, rank)},
          x = filled(context, tokens, cols), y = filled(context, tokens, rows)] { ops::add_lora(context, x, term, y); };
}

Step embedding_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t vocabulary, int64_t cols) {
  return [&context, type, cols, file = random_file(type, vocabulary, cols), ids = token_ids(tokens, vocabulary)] {
    ops::embed(context, {.type = type, .rows = file, .cols = cols, .adapters = {}}, ids, 1.0F);
  };
}

Step add_step(ops::Context& context, int64_t tokens, int64_t cols) {
  return [&context, x = filled(context, tokens, cols), y = filled(context, tokens, cols)] { ops::add(context, x, y); };
}

Step cross_entropy_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t vocabulary, int64_t cols) {
  const tensor::Tensor hidden = filled(context, tokens, cols);
  hidden.set_needs_grad(true);
  return [&context, hidden, w = random_matrix(context.pool, type, vocabulary, cols),
          targets = token_ids(tokens, vocabulary), weights = std::vector<float>(static_cast<size_t>(tokens), 1.0F)] {
    ops::cross_entropy(context, hidden, {.weight = w.get(), .bias = nullptr, .adapters = {}}, targets, weights,
                       {.wanted = true, .parameters = nullptr});
  };
}

Step attention_step(ops::Context& context, int64_t tokens, int64_t position, const ops::AttentionShape& shape,
                    quant::DType cached) {
  const auto layer = std::make_shared<CachedLayer>(shape, position + tokens, cached);
  const auto run = [&context, shape, layer](const tensor::Tensor& q, const tensor::Tensor& kv, int64_t at) {
    const ops::Segment segment{.begin = 0, .count = q.rows(), .position = at, .cache = layer->sequence.layer(0)};
    ops::attention(context, q, kv, kv, shape, {&segment, 1});
  };
  const auto queries = [&](int64_t rows) { return filled(context, rows, shape.heads * shape.head_dim); };
  const auto keys = [&](int64_t rows) { return filled(context, rows, shape.kv_heads * shape.head_dim); };
  if (position > 0) run(queries(position), keys(position), 0);
  return [run, position, q = queries(tokens), kv = keys(tokens)] { run(q, kv, position); };
}

Step attention_backward_step(ops::Context& context, int64_t tokens, const ops::AttentionShape& shape) {
  const int64_t query_cols = shape.heads * shape.head_dim;
  const int64_t key_cols = shape.kv_heads * shape.head_dim;
  const auto step = std::make_shared<OneStep>(context, filled(context, tokens, query_cols));
  const std::array<tensor::Tensor, 3> qkv = {filled(context, tokens, query_cols), filled(context, tokens, key_cols),
                                             filled(context, tokens, key_cols)};
  for (const tensor::Tensor& x : qkv) x.set_needs_grad(true);
  ops::Context recording = context;
  recording.recorder = step.get();
  const ops::Segment segment{.begin = 0, .count = tokens, .position = 0, .cache = {}};
  ops::attention(recording, qkv[0], qkv[1], qkv[2], shape, {&segment, 1});
  return [step] { step->run(); };
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
