#pragma once

#include <cstdint>
#include <span>

#include "engine/runtime.h"
#include "model/kv_cache.h"
#include "ops/context.h"
#include "tensor/tensor.h"

namespace patina::apps {

// Forward passes over one cached sequence, without prompts or sampling around them: for measuring. Not thread safe; the
// runtime must outlive it.
class DirectPass {
 public:
  // Holds up to `context` positions.
  DirectPass(const engine::Runtime& runtime, int64_t context);

  // The next positions of the sequence. The hidden states of the wanted rows among them (ascending; may be empty).
  tensor::Tensor hidden(std::span<const int32_t> tokens, std::span<const int32_t> rows);
  tensor::Tensor logits(const tensor::Tensor& hidden_rows);
  void clear() { sequence_.truncate(0); }  // begins another sequence
  ops::Context& context() { return context_; }

 private:
  const engine::Runtime& runtime_;
  tensor::BufferPool buffers_;
  ops::Context context_;
  model::KvCache cache_;
  model::KvSequence sequence_;
};

// Tokens of one pass: enough for full speed, few enough that activations stay small.
constexpr int64_t kPassTokens = 512;

}  // namespace patina::apps
