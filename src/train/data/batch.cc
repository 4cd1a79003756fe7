#include "train/data/batch.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "train/random.h"

namespace patina::train {

std::span<const TokenId> Batch::tokens_of(size_t part) const {
  const size_t end = part + 1 < parts.size() ? parts[part + 1].begin : tokens.size();
  return std::span(tokens).subspan(parts[part].begin, end - parts[part].begin);
}

TokenRange Batch::targets_of(size_t part) const {
  return {parts[part].targets, part + 1 < parts.size() ? parts[part + 1].targets : targets.size()};
}

void Batch::add_part(const Example& example, bool rejected) {
  size_t trunk = 0;
  size_t shared = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t common = parts[i].shared > 0 ? 0 : shared_beginning(example, tokens_of(i));
    if (common <= shared) continue;
    trunk = i;
    shared = common;
  }
  const size_t begin = tokens.size();
  parts.push_back({begin, targets.size(), trunk, shared, rejected});
  example_tokens += example.tokens.size() - 1;
  tokens.insert(tokens.end(), example.tokens.begin() + static_cast<std::ptrdiff_t>(shared), example.tokens.end() - 1);
  for (const TokenRange& range : example.loss) {
    for (size_t i = range.begin; i < range.end; ++i) {
      positions.push_back(static_cast<int32_t>(begin + i - 1 - shared));
      targets.push_back(example.tokens[i]);
    }
  }
}

void Batch::add(const Example& example) {
  add_part(example, false);
  if (example.rejected) add_part(*example.rejected, true);
  ++examples;
}

bool Batch::try_add(const Example& example, size_t max_tokens) {
  const Batch before = *this;
  add(example);
  if (before.examples == 0 || tokens.size() <= max_tokens) return true;
  *this = before;
  return false;
}

std::vector<uint32_t> data_order(size_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

std::vector<uint32_t> epoch_order(size_t count, uint64_t seed, uint64_t epoch) {
  std::vector<uint32_t> order = data_order(count);
  Random random(Random(seed).next() + epoch);
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

std::vector<Batch> pack(const DataSet& data, std::span<const uint32_t> order, size_t max_tokens) {
  std::vector<Batch> batches;
  for (const uint32_t index : order) {
    const Example example = data.example(index);
    if (batches.empty() || !batches.back().try_add(example, max_tokens)) batches.emplace_back().add(example);
  }
  return batches;
}

}  // namespace patina::train
