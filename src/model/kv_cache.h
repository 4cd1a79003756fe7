#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/half.h"
#include "model/hyperparameters.h"
#include "ops/attention.h"
#include "platform/huge_buffer.h"

namespace patina::model {

class KvSequence;

// Memory for the keys and values of many sequences, in f16, in blocks of ops::kKvBlockTokens tokens that are taken as
// sequences grow and handed on when they end. Not thread safe. Must outlive its sequences.
class KvCache {
 public:
  // Holds up to `tokens` tokens of all sequences together (rounded up to whole blocks for each sequence); memory is
  // taken from the system only as it is used.
  KvCache(const Hyperparameters& hyper, int64_t tokens);
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  int64_t block_bytes() const { return block_elements_ * static_cast<int64_t>(sizeof(f16)); }
  int64_t blocks_free() const;  // how many blocks can still be taken
  int64_t blocks_total() const { return max_blocks_; }

 private:
  friend class KvSequence;
  platform::HugeBuffer take();
  void give_back(platform::HugeBuffer block);

  int64_t layers_;
  int64_t layer_elements_;  // of the keys (or the values) of one layer in a block
  int64_t block_elements_;
  int64_t max_blocks_;
  int64_t used_blocks_ = 0;
  std::vector<platform::HugeBuffer> free_;
};

// The cached positions of one sequence. Move-only, not thread safe.
class KvSequence {
 public:
  explicit KvSequence(KvCache& cache) : cache_(&cache) {}
  KvSequence(KvSequence&& other) noexcept;
  KvSequence& operator=(KvSequence&& other) noexcept;
  KvSequence(const KvSequence&) = delete;
  KvSequence& operator=(const KvSequence&) = delete;
  ~KvSequence();

  int64_t length() const { return length_; }
  // Whether `tokens` more fit into what is left of the cache.
  bool can_grow(int64_t tokens) const;
  // Makes room for `tokens` more positions and counts them as held; the next forward pass must fill them. Throws
  // kOutOfMemory when the cache is full.
  void grow(int64_t tokens);
  // Forgets the positions from `length` on.
  void truncate(int64_t length);

  ops::KvLayer layer(int64_t index) const;

 private:
  void release(size_t keep) noexcept;

  KvCache* cache_;
  int64_t length_ = 0;
  std::vector<platform::HugeBuffer> blocks_;
  std::vector<f16*> pointers_;
};

}  // namespace patina::model
