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

// Sequences laid end to end for one forward pass, without padding. A sequence's last token is only a target, so it is
// not among `tokens`. What it begins with like an earlier one, and before its first loss, is not repeated.
struct Batch {
  struct Part {
    size_t begin;    // of its own tokens, in `tokens`
    size_t targets;  // where its own begin, in `positions` and `targets`
    size_t trunk;    // the part that it shares its first tokens with
    size_t shared;   // how many these are
    bool rejected;   // the answer not wanted of a preference, whose chosen one is the part before
  };

  std::vector<TokenId> tokens;
  std::vector<Part> parts;         // in the order of their tokens
  std::vector<int32_t> positions;  // in `tokens`, ascending: those whose next token carries loss
  std::vector<TokenId> targets;    // that next token, for each of `positions`
  size_t examples = 0;             // one part each, or two: a preference's, the chosen answer before the rejected one
  size_t example_tokens = 0;       // of all parts, shared ones counted for each

  std::span<const TokenId> tokens_of(size_t part) const;
  // The targets [begin, end) of a part.
  TokenRange targets_of(size_t part) const;
  // Whether a part is the chosen answer of a preference.
  bool is_chosen(size_t part) const { return part + 1 < parts.size() && parts[part + 1].rejected; }
  void add(const Example& example);
  // Adds it unless the batch would have more than `max_tokens`; false then. To an empty batch always.
  bool try_add(const Example& example, size_t max_tokens);

 private:
  void add_part(const Example& example, bool rejected);
};

// The examples chosen by `order`, in that order, in as few batches of at most `max_tokens` tokens as whole examples
// allow (a longer example has a batch of its own). Their losses summed are those of one large batch.
std::vector<Batch> pack(const DataSet& data, std::span<const uint32_t> order, size_t max_tokens);

}  // namespace patina::train
