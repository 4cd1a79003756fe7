#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/runtime.h"
#include "engine/sequence.h"

namespace patina::engine {

// Tokens of a prompt read in one pass: enough rows for full speed of the matrix products, few enough that activations
// stay small and Ctrl-C is heard.
constexpr int64_t kPromptChunk = 512;

// How many of its pending tokens a sequence reads in a forward pass; at least 1.
struct Reading {
  Sequence* sequence;
  int64_t tokens;
};

// The logits after the last pending tokens (Sequence::wanted_rows()) of each sequence that has read all of them, as
// Runtime::logits() gives them.
class ForwardResult {
 public:
  // Of each reading the rows of its logits, `count` of them from `first` on.
  struct Rows {
    int64_t first;
    int64_t count;
  };
  ForwardResult(ops::Tensor logits, std::vector<Rows> rows) : logits_(std::move(logits)), rows_(std::move(rows)) {}

  // Row after row; empty where reading i leaves tokens pending.
  std::optional<std::span<const float>> logits(size_t i) const;

 private:
  ops::Tensor logits_;
  std::vector<Rows> rows_;
};

// One forward pass over all readings, with `adapters`, which fit the runtime's model. On failure, which is thrown,
// every sequence's cache is as it was.
ForwardResult forward(const Runtime& runtime, const adapter::Attachment& adapters, ops::Context& context,
                      std::span<const Reading> readings);
inline ForwardResult forward(const Runtime& runtime, ops::Context& context, std::span<const Reading> readings) {
  return forward(runtime, runtime.attachment(), context, readings);
}

}  // namespace patina::engine
