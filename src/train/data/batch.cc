#include "train/data/batch.h"

#include <numeric>
#include <utility>

namespace patina::train {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  // Uniform in [0, bound): draws that would favour small numbers are thrown away.
  uint64_t below(uint64_t bound) {
    const uint64_t reject = (0 - bound) % bound;  // 2^64 mod bound
    uint64_t draw = next();
    while (draw < reject) draw = next();
    return draw % bound;
  }

 private:
  uint64_t state_;
};

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
