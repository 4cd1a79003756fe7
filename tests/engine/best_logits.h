#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace patina::engine {

// The tokens with the largest logits, the best first, each after its logit with the sign turned round.
inline std::vector<std::pair<float, tokenizer::TokenId>> best_logits(std::span<const float> logits, size_t count) {
  std::vector<std::pair<float, tokenizer::TokenId>> all(logits.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = {-logits[i], static_cast<tokenizer::TokenId>(i)};
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count));
  all.resize(count);
  return all;
}

}  // namespace patina::engine
