#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/drafter.h"
#include "engine/runtime.h"
#include "engine/sequence.h"

namespace patina::engine {

// Guesses what a smaller model of the same vocabulary finds most likely, up to the first token that it is not sure of.
// More tokens at a time while guesses come true, fewer while they do not. Has a cache of its own.
class DraftModel final : public Drafter {
 public:
  // `runtime` is that of the smaller model, and must outlive this.
  DraftModel(const Runtime& runtime, const SpeculationOptions& options);

  // Throws what the forward pass throws; can be used again after that.
  std::span<const TokenId> propose(std::span<const TokenId> text, int64_t most) override;

 private:
  void pace(std::span<const TokenId> text);

  const Runtime& runtime_;
  const SpeculationOptions options_;
  tensor::BufferPool buffers_;
  ops::Context context_;
  model::KvCache cache_;
  Sequence sequence_;
  std::vector<TokenId> guess_;  // how a text of guess_at_ tokens may go on
  size_t guess_at_ = 0;
  int64_t length_;  // of the next guess
};

}  // namespace patina::engine
