#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/context.h"
#include "ops/linear.h"

namespace patina::ops {

struct CrossEntropy {
  double loss = 0;                // sum over rows of weight * -log softmax(W h)[target]
  std::vector<float> row_losses;  // the same unweighted, one a row
  Tensor dhidden;                 // d loss / d hidden [rows x cols]; empty unless wanted and needed
};

// Whether and where gradients of a cross entropy go.
struct CrossEntropyGradients {
  bool wanted = false;              // d loss / d hidden, where hidden needs a gradient
  Gradients* parameters = nullptr;  // gradients of trained terms of the output are added there; needed if there are any
};

// The loss of predicting targets[i] from hidden row i by the vocabulary matrix W [vocabulary x cols], without bias.
// Rows go through W in chunks with their gradient formed in the same pass, so that no [rows x vocabulary] matrix
// exists. Scratch memory: cross_entropy_chunk_rows(vocabulary) rows of logits. Never recorded; while a recorder is set,
// terms drop out elements of hidden as they say. Where gradients are wanted, terms must have no gain.
CrossEntropy cross_entropy(Context& context, const Tensor& hidden, const Linear& output,
                           std::span<const int32_t> targets, std::span<const float> weights,
                           CrossEntropyGradients gradients);

int64_t cross_entropy_chunk_rows(int64_t vocabulary);

}  // namespace patina::ops
