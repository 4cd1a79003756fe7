#include "train/data/batch.h"

#include <numeric>
#include <utility>

#include "train/random.h"

namespace patina::train {
namespace {

void append(const Example& example, Batch& batch) {
  const size_t start = batch.tokens.size();
  batch.starts.push_back(start);
  batch.tokens.insert(batch.tokens.end(), example.tokens.begin(), example.tokens.end() - 1);
  for (size_t i = example.loss_begin; i < example.tokens.size(); ++i) {
    batch.positions.push_back(static_cast<int32_t>(start + i - 1));
    batch.targets.push_back(example.tokens[i]);
  }
}

}  // namespace

std::vector<uint32_t> epoch_order(size_t count, uint64_t seed, uint64_t epoch) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  Random random(Random(seed).next() + epoch);
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

std::vector<Batch> pack(std::span<const Example> examples, std::span<const uint32_t> order, size_t max_tokens) {
  std::vector<Batch> batches;
  for (const uint32_t index : order) {
    const Example& example = examples[index];
    if (batches.empty() || batches.back().tokens.size() + example.tokens.size() - 1 > max_tokens)
      batches.emplace_back();
    append(example, batches.back());
  }
  return batches;
}

}  // namespace patina::train
