#include "train/memory_need.h"

#include "ops/cross_entropy.h"

namespace patina::train {

uint64_t pass_bytes(const model::Model& model, uint64_t tokens, bool recompute_blocks) {
  const model::Hyperparameters& hyper = model.hyper();
  int64_t outputs = 0;  // of all linear layers, per token
  for (const adapter::LinearSite& site : model.sites()) outputs += site.out;
  // Besides these a block makes two norms, two sums, the attended values and the gated product.
  const int64_t block =
      outputs / hyper.layers + 4 * hyper.hidden_size + hyper.heads * hyper.head_dim + hyper.feed_forward_size;
  // A block's gradients are about as large as its activations; recomputed, the block is there once more.
  const int64_t kept = recompute_blocks ? hyper.layers * hyper.hidden_size + 2 * block : (hyper.layers + 1) * block;
  const int64_t logits = ops::cross_entropy_chunk_rows(hyper.vocab_size) * hyper.vocab_size;
  // The backward product rounds them to 16 bits.
  return sizeof(float) * (static_cast<uint64_t>(kept) * tokens + static_cast<uint64_t>(logits + logits / 2));
}

uint64_t state_bytes(uint64_t parameters) { return 4 * sizeof(float) * parameters; }

}  // namespace patina::train
