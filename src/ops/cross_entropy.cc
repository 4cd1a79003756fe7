#include "ops/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "ops/linear.h"

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

}  // namespace

int64_t cross_entropy_chunk_rows(int64_t vocabulary) {
  constexpr int64_t kChunkBytes = int64_t{64} << 20;
  constexpr int64_t kMostRows = 128;
  return std::clamp<int64_t>(kChunkBytes / (vocabulary * static_cast<int64_t>(sizeof(float))), 8, kMostRows);
}

CrossEntropy cross_entropy(Context& context, const Tensor& hidden, const PackedMatrix& output,
                           std::span<const int32_t> targets, std::span<const float> weights, bool want_gradient) {
  const int64_t rows = hidden.rows();
  const int64_t vocabulary = output.rows();
  for (const int32_t target : targets) {
    if (target < 0 || target >= vocabulary) {
      fail(ErrorKind::kInvalidArgument, "token {} is not in the model's vocabulary", target);
    }
  }
  CrossEntropy result;
  result.row_losses.resize(static_cast<size_t>(rows));
  if (want_gradient) result.dhidden = context.buffers.make_zero(rows, hidden.cols());
  Recorder* recorder = std::exchange(context.recorder, nullptr);
  const int64_t chunk = cross_entropy_chunk_rows(vocabulary);
  for (int64_t first = 0; first < rows; first += chunk) {
    const int64_t count = std::min(chunk, rows - first);
    const Tensor logits =
        linear(context, hidden.rows_view(first, count), {.weight = &output, .bias = nullptr, .adapters = {}});
    context.parallel(count, 1, 16 * logits.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t i = begin; i < end; ++i) {
        const auto at = static_cast<size_t>(first + i);
        result.row_losses[at] =
            softmax_loss(context.kernels.vector, logits.row(i), vocabulary, targets[at], weights[at]);
      }
    });
    if (want_gradient) linear_backward(context, output, logits, result.dhidden.rows_view(first, count));
  }
  context.recorder = recorder;
  for (size_t i = 0; i < result.row_losses.size(); ++i) {
    result.loss += static_cast<double>(weights[i]) * static_cast<double>(result.row_losses[i]);
  }
  return result;
}

}  // namespace patina::ops
