#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace patina::adapter {

constexpr std::string_view kEmbeddingName = "token_embd";
constexpr std::string_view kOutputName = "output";

// A linear layer of a block; the token embeddings, whose rows are looked up; the matrix of logits.
enum class SiteKind { kLayer, kEmbedding, kOutput };

// A place in a model where an adapter can act: the matrix [out x in] of the tensor NAME ("blk.0.attn_q", without
// ".weight"), which maps rows of `in` numbers to rows of `out`; of embeddings `out` is the vocabulary.
struct LinearSite {
  std::string name;
  int64_t in;
  int64_t out;
  SiteKind kind = SiteKind::kLayer;
};

}  // namespace patina::adapter
