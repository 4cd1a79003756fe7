#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ops/lora.h"

namespace patina::adapter {

// Noise on the token embeddings while recording (Jain et al., 2023, "NEFTune"): uniform in +-alpha / sqrt(tokens of the
// sequence * length of an embedding), decided by the seed and the position.
struct EmbeddingNoise {
  float alpha = 0;  // 0: none
  uint64_t seed = 0;
};

// The low-rank terms that act at each of a model's sites (numbered as model::Model::sites()): what a forward pass
// reads. Holds handles of the adapters' tensors, which may change (training) but must keep their shapes. Empty: no
// adapter.
class Attachment {
 public:
  Attachment() = default;
  explicit Attachment(size_t sites) : terms_(sites) {}

  std::span<const ops::LoraTerm> at(size_t site) const {
    return site < terms_.size() ? std::span<const ops::LoraTerm>(terms_[site]) : std::span<const ops::LoraTerm>();
  }
  // A term with a gain comes before those without.
  void add(size_t site, ops::LoraTerm term) {
    std::vector<ops::LoraTerm>& terms = terms_[site];
    terms.insert(term.gain ? terms.begin() : terms.end(), std::move(term));
  }
  bool empty() const { return terms_.empty(); }
  // For changing rates of dropout and seeds between steps.
  std::span<std::vector<ops::LoraTerm>> terms() { return terms_; }
  EmbeddingNoise noise() const { return noise_; }
  void set_noise(EmbeddingNoise noise) { noise_ = noise; }

 private:
  std::vector<std::vector<ops::LoraTerm>> terms_;
  EmbeddingNoise noise_;
};

}  // namespace patina::adapter
