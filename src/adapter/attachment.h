#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "ops/lora.h"

namespace patina::adapter {

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

 private:
  std::vector<std::vector<ops::LoraTerm>> terms_;
};

}  // namespace patina::adapter
