#include "train/data/batch.h"

#include <numeric>
#include <utility>

#include "train/random.h"

namespace patina::train {

bool Batch::has_room(const Example& example, size_t max_tokens) const {
  return starts.empty() || tokens.size() + example.tokens.size() - 1 <= max_tokens;
}

void Batch::add(const Example& example) {
  const size_t start = tokens.size();
  starts.push_back(start);
  tokens.insert(tokens.end(), example.tokens.begin(), example.tokens.end() - 1);
  for (const TokenRange& range : example.loss) {
    for (size_t i = range.begin; i < range.end; ++i) {
      positions.push_back(static_cast<int32_t>(start + i - 1));
      targets.push_back(example.tokens[i]);
    }
  }
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
    if (batches.empty() || !batches.back().has_room(example, max_tokens)) batches.emplace_back();
    batches.back().add(example);
  }
  return batches;
}

}  // namespace patina::train
