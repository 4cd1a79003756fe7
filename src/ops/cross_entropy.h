#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/context.h"
#include "ops/packed_matrix.h"

namespace patina::ops {

struct CrossEntropy {
  double loss = 0;                // sum over rows of weight * -log softmax(W h)[target]
  std::vector<float> row_losses;  // the same unweighted, one a row
  Tensor dhidden;                 // d loss / d hidden [rows x cols]; empty without `want_gradient`
};

// The loss of predicting targets[i] from hidden row i by the vocabulary matrix W [vocabulary x cols]. Rows go through W
// in chunks with their gradient formed in the same pass, so that no [rows x vocabulary] matrix exists. Scratch memory:
// cross_entropy_chunk_rows(vocabulary) rows of logits.
CrossEntropy cross_entropy(Context& context, const Tensor& hidden, const PackedMatrix& output,
                           std::span<const int32_t> targets, std::span<const float> weights, bool want_gradient);

int64_t cross_entropy_chunk_rows(int64_t vocabulary);

}  // namespace patina::ops
