#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/data/data_set.h"
#include "train/data/example.h"

namespace patina::train {

// A permutation of 0 ... count-1 that depends on the seed and the epoch alone, the same on every machine.
std::vector<uint32_t> epoch_order(size_t count, uint64_t seed, uint64_t epoch);
// 0 ... count-1: the order of the data.
std::vector<uint32_t> data_order(size_t count);

// Examples laid end to end for one forward pass, without padding. An example's last token is only a target, so it is
// not among `tokens`.
struct Batch {
  std::vector<TokenId> tokens;
  std::vector<size_t> starts;      // of each example in `tokens`, ascending from 0
  std::vector<int32_t> positions;  // in `tokens`, ascending: those whose next token carries loss
  std::vector<TokenId> targets;    // that next token, for each of `positions`

  // The tokens of the i-th example.
  std::span<const TokenId> part(size_t i) const {
    const size_t end = i + 1 < starts.size() ? starts[i + 1] : tokens.size();
    return std::span(tokens).subspan(starts[i], end - starts[i]);
  }
  // Whether the example can be added and the batch have at most `max_tokens`; always where there is nothing in it yet.
  bool has_room(const Example& example, size_t max_tokens) const;
  void add(const Example& example);
};

// The examples chosen by `order`, in that order, in as few batches of at most `max_tokens` tokens as whole examples
// allow (a longer example has a batch of its own). Their losses summed are those of one large batch.
std::vector<Batch> pack(const DataSet& data, std::span<const uint32_t> order, size_t max_tokens);

}  // namespace patina::train
