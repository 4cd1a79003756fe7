#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/runtime.h"
#include "model/kv_cache.h"
#include "ops/context.h"
#include "tensor/tensor.h"

namespace patina::apps {

// Forward passes over cached sequences, without prompts or sampling around them: for measuring. Not thread safe; the
// runtime must outlive it.
class DirectPass {
 public:
  // Each of the sequences may hold up to `context` positions.
  DirectPass(const engine::Runtime& runtime, int64_t context, int64_t sequences = 1);

  // The next positions of one sequence. The hidden states of the wanted rows among them (ascending; may be empty).
  tensor::Tensor hidden(std::span<const int32_t> tokens, std::span<const int32_t> rows, int64_t sequence = 0);
  // The next position of every sequence, a token for each, in one pass: their hidden states.
  tensor::Tensor hidden_of_all(std::span<const int32_t> tokens);
  tensor::Tensor logits(const tensor::Tensor& hidden_rows);
  // Those that sampling with the default parameters looks at (Runtime::logits()).
  tensor::Tensor decisive_logits(const tensor::Tensor& hidden_rows);
  void rewind(int64_t length);  // forgets the positions from `length` on, of every sequence
  ops::Context& context() { return context_; }

 private:
  const engine::Runtime& runtime_;
  tensor::BufferPool buffers_;
  ops::Context context_;
  model::KvCache cache_;
  std::vector<model::KvSequence> sequences_;
};

// Tokens of one pass: enough for full speed, few enough that activations stay small.
constexpr int64_t kPassTokens = 512;

}  // namespace patina::apps
