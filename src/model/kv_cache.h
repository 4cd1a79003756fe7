#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/hyperparameters.h"
#include "ops/attention.h"
#include "platform/huge_buffer.h"

namespace patina::model {

class KvSequence;

// How many of a cache's blocks `tokens` tokens of one sequence take, and how many tokens these blocks have room for.
int64_t kv_blocks(int64_t tokens);
inline int64_t whole_kv_blocks(int64_t tokens) { return kv_blocks(tokens) * ops::kKvBlockTokens; }

// What the keys and the values are kept in: F16, or Q8_0 for about half of the memory.
struct KvTypes {
  quant::DType keys = quant::DType::kF16;
  quant::DType values = quant::DType::kF16;
};

// Memory for the keys and values of many sequences, in blocks of ops::kKvBlockTokens tokens that are taken as sequences
// grow and handed on when they end. Not thread safe. Must outlive its sequences.
class KvCache {
 public:
  // Holds up to `tokens` tokens of all sequences together (rounded up to whole blocks for each sequence); memory is
  // taken from the system only as it is used. Throws kInvalidArgument for another type than F16 and Q8_0, and for Q8_0
  // where a head's length is no multiple of its block.
  KvCache(const Hyperparameters& hyper, int64_t tokens, KvTypes types = {});
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

 private:
  friend class KvSequence;
  std::byte* take();
  void give_back(std::byte* block) noexcept;
  void add_slab();

  KvTypes types_;
  int64_t layers_;
  int64_t key_bytes_;    // of one layer's keys in a block
  int64_t layer_bytes_;  // with the values
  int64_t max_blocks_;
  int64_t used_blocks_ = 0;
  std::vector<platform::HugeBuffer> slabs_;  // of several blocks, so that small ones have huge pages, too
  std::vector<std::byte*> free_;             // blocks of the slabs; has room for all
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
  std::vector<std::byte*> blocks_;
};

}  // namespace patina::model
