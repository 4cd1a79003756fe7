#include "ops/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/split_mix.h"
#include "ops/rows.h"

namespace patina::ops {

namespace {

// Turns row i of logits into its loss and, in place, into weight * (softmax - one-hot target).
float softmax_loss(const kernels::VectorKernels& vector, float* logits, int64_t n, int32_t target, float weight) {
  const float largest = vector.max(logits, n);
  const float at_target = logits[target];
  const float sum = vector.sum_exp(logits, largest, n);
  vector.scale(weight / sum, logits, logits, n);
  logits[target] -= weight;
  return largest + std::log(sum) - at_target;
}

// Some rows of the hidden states on their way through the output layer and back.
class Chunk final : private Gradients {
 public:
  // `first`: their place among all rows, which decides what is dropped.
  Chunk(Context& context, const Linear& output, const Tensor& x, int64_t first, bool drops)
      : context_(context), output_(output), x_(x), terms_(output.adapters.begin(), output.adapters.end()) {
    for (LoraTerm& term : terms_) {
      if (!drops) term.dropout = 0;
      term.dropout_seed = mix(term.dropout_seed + static_cast<uint64_t>(first));
    }
  }

  Tensor logits() {
    if (has_gain(output_)) return linear(context_, x_, output_);
    const Tensor y = linear(context_, x_, {.weight = output_.weight, .bias = nullptr, .adapters = {}});
    for (const LoraTerm& term : terms_) lowered_.push_back(add_product(context_, x_, term, y, true));
    return y;
  }

  // Adds to dx, where that is not empty, and to gradients of trained terms in `parameters`.
  void backward(const Tensor& dlogits, const Tensor& dx, Gradients* parameters) {
    dx_ = dx;
    parameters_ = parameters;
    if (dx) linear_backward(context_, *output_.weight, dlogits, dx);
    for (size_t i = 0; i < terms_.size(); ++i) lora_backward(context_, *this, x_, terms_[i], lowered_[i], dlogits);
  }

 private:
  Tensor take(const Outline& /*result*/) override { return {}; }
  Tensor look(const Outline& /*result*/) override { return {}; }
  Tensor into(const Outline& input) override { return input.key() == x_.key() ? dx_ : parameters_->into(input); }
  void give(const Context& context, const Outline& input, Tensor gradient) override {
    add_to(context, into(input), gradient);
  }

  Context& context_;
  const Linear& output_;
  Tensor x_;
  std::vector<LoraTerm> terms_;
  std::vector<Tensor> lowered_;  // A x of each term
  Tensor dx_;
  Gradients* parameters_ = nullptr;
};

// Keeps operations from being recorded.
class Unrecorded {
 public:
  explicit Unrecorded(Context& context) : context_(context), recorder_(std::exchange(context.recorder, nullptr)) {}
  ~Unrecorded() { context_.recorder = recorder_; }
  Unrecorded(const Unrecorded&) = delete;
  Unrecorded& operator=(const Unrecorded&) = delete;

  Recorder* recorder() const { return recorder_; }  // that would have them

 private:
  Context& context_;
  Recorder* recorder_;
};

void check(const Linear& output, std::span<const int32_t> targets, const CrossEntropyGradients& gradients) {
  for (const int32_t target : targets) {
    if (target < 0 || target >= output.weight->rows()) {
      fail(ErrorKind::kInvalidArgument, "token {} is not in the model's vocabulary", target);
    }
  }
  if (gradients.wanted && has_gain(output)) {
    fail(ErrorKind::kUnsupported, "an adapter with magnitudes (DoRA) at the output cannot be trained");
  }
}

}  // namespace

int64_t cross_entropy_chunk_rows(int64_t vocabulary) {
  constexpr int64_t kChunkBytes = int64_t{64} << 20;
  constexpr int64_t kMostRows = 128;
  return std::clamp<int64_t>(kChunkBytes / (vocabulary * static_cast<int64_t>(sizeof(float))), 8, kMostRows);
}

CrossEntropy cross_entropy(Context& context, const Tensor& hidden, const Linear& output,
                           std::span<const int32_t> targets, std::span<const float> weights,
                           CrossEntropyGradients gradients) {
  check(output, targets, gradients);
  const int64_t rows = hidden.rows();
  const int64_t vocabulary = output.weight->rows();
  CrossEntropy result;
  result.row_losses.resize(static_cast<size_t>(rows));
  if (gradients.wanted && hidden.needs_grad()) result.dhidden = context.buffers.make_zero(rows, hidden.cols());
  const Unrecorded unrecorded(context);
  const int64_t rows_a_chunk = cross_entropy_chunk_rows(vocabulary);
  for (int64_t first = 0; first < rows; first += rows_a_chunk) {
    const int64_t count = std::min(rows_a_chunk, rows - first);
    Chunk chunk(context, output, hidden.rows_view(first, count), first, unrecorded.recorder() != nullptr);
    const Tensor logits = chunk.logits();
    context.parallel(count, 1, 16 * logits.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t i = begin; i < end; ++i) {
        const auto at = static_cast<size_t>(first + i);
        result.row_losses[at] =
            softmax_loss(context.kernels.vector, logits.row(i), vocabulary, targets[at], weights[at]);
      }
    });
    if (!gradients.wanted) continue;
    const Tensor dx = result.dhidden ? result.dhidden.rows_view(first, count) : Tensor();
    chunk.backward(logits, dx, gradients.parameters);
  }
  for (size_t i = 0; i < result.row_losses.size(); ++i) {
    result.loss += static_cast<double>(weights[i]) * static_cast<double>(result.row_losses[i]);
  }
  return result;
}

}  // namespace patina::ops
