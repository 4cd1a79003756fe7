#include "train/memory_need.h"

#include <algorithm>

#include "ops/cross_entropy.h"

namespace patina::train {

uint64_t pass_bytes(const model::Model& model, uint64_t tokens, MemoryUse use) {
  const model::Hyperparameters& hyper = model.hyper();
  const model::Model::SavedNumbers saved = model.saved_numbers();
  const int64_t numbers = use.gain_numbers + (use.compact ? saved.compact : saved.whole);
  const uint64_t of_blocks = (use.compact ? 2 : 4) * static_cast<uint64_t>(numbers);
  const auto inputs = 4 * static_cast<uint64_t>(hyper.layers * hyper.hidden_size);
  const uint64_t kept = use.recompute_blocks ? inputs + of_blocks / static_cast<uint64_t>(hyper.layers) : of_blocks;
  // The way back through a block's activation holds the most at once: both inputs, their gradients, the output's and
  // the residual stream's.
  const auto working = 4 * static_cast<uint64_t>(5 * hyper.feed_forward_size + 3 * hyper.hidden_size);
  const int64_t logits =
      std::min(ops::cross_entropy_chunk_rows(hyper.vocab_size), static_cast<int64_t>(tokens)) * hyper.vocab_size;
  // The backward product rounds them to 16 bits.
  return (kept + working) * tokens + 4 * static_cast<uint64_t>(logits + logits / 2);
}

uint64_t checkpoint_bytes(uint64_t parameters, const ParameterOptions& options) {
  const uint64_t copies = options.average_decay > 0 ? 2 : 1;
  return copies * sizeof(float) * parameters + optimizer_bytes(options.optimizer.kind, parameters);
}

}  // namespace patina::train
