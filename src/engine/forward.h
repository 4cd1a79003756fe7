#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/runtime.h"
#include "engine/sequence.h"

namespace patina::engine {

// How many of its pending tokens a sequence reads in a forward pass; at least 1.
struct Reading {
  Sequence* sequence;
  int64_t tokens;
};

// The logits after the last pending token of each sequence that has read all of them.
class ForwardResult {
 public:
  ForwardResult(ops::Tensor logits, std::vector<int64_t> rows) : logits_(std::move(logits)), rows_(std::move(rows)) {}

  // Empty where reading i leaves tokens pending.
  std::optional<std::span<const float>> logits(size_t i) const;

 private:
  ops::Tensor logits_;
  std::vector<int64_t> rows_;  // of each reading; -1: none
};

// One forward pass over all readings. On failure, which is thrown, every sequence's cache is as it was.
ForwardResult forward(const Runtime& runtime, ops::Context& context, std::span<const Reading> readings);

}  // namespace patina::engine
