#include "model/kv_cache.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace patina::model {

namespace {

// Bytes of one layer's keys, or values, in a block.
int64_t rows_bytes(const Hyperparameters& hyper, quant::DType type) {
  if (type != quant::DType::kF16 && type != quant::DType::kQ8_0) {
    fail(ErrorKind::kInvalidArgument, "a cache of type {} is not supported; use F16 or Q8_0", quant::name(type));
  }
  const int64_t block = quant::info(type).block_elements;
  if (hyper.head_dim % block != 0) {
    fail(ErrorKind::kInvalidArgument,
         "the model's heads of {} numbers do not fit the blocks of {}, which are {}; use F16", hyper.head_dim,
         quant::name(type), block);
  }
  return hyper.kv_heads * ops::kKvBlockTokens * quant::row_bytes(type, hyper.head_dim);
}

}  // namespace

int64_t kv_blocks(int64_t tokens) { return tokens / ops::kKvBlockTokens + (tokens % ops::kKvBlockTokens > 0 ? 1 : 0); }

KvCache::KvCache(const Hyperparameters& hyper, int64_t tokens, KvTypes types)
    : types_(types),
      layers_(hyper.layers),
      key_bytes_(rows_bytes(hyper, types.keys)),
      layer_bytes_(key_bytes_ + rows_bytes(hyper, types.values)),
      max_blocks_(kv_blocks(tokens)) {}

std::byte* KvCache::take() {
  if (used_blocks_ >= max_blocks_) {
    fail(ErrorKind::kOutOfMemory, "the key-value cache is full; use a larger context or fewer sequences");
  }
  if (free_.empty()) add_slab();
  std::byte* block = free_.back();
  free_.pop_back();
  ++used_blocks_;
  return block;
}

void KvCache::give_back(std::byte* block) noexcept {
  free_.push_back(block);
  --used_blocks_;
}

void KvCache::add_slab() {
  constexpr int64_t kSlabBytes = int64_t{32} << 20;
  const int64_t block_bytes = layers_ * layer_bytes_;
  const int64_t count = std::clamp<int64_t>(kSlabBytes / block_bytes, 1, max_blocks_ - used_blocks_);
  free_.reserve(static_cast<size_t>(used_blocks_ + count));
  std::byte* memory = slabs_.emplace_back(static_cast<size_t>(count * block_bytes)).data();
  for (int64_t i = count - 1; i >= 0; --i) free_.push_back(memory + i * block_bytes);
}

KvSequence::KvSequence(KvSequence&& other) noexcept
    : cache_(other.cache_), length_(std::exchange(other.length_, 0)), blocks_(std::exchange(other.blocks_, {})) {}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  if (this != &other) {
    release(0);
    cache_ = other.cache_;
    length_ = std::exchange(other.length_, 0);
    blocks_ = std::exchange(other.blocks_, {});
  }
  return *this;
}

KvSequence::~KvSequence() { release(0); }

void KvSequence::grow(int64_t tokens) {
  const int64_t wanted = kv_blocks(length_ + tokens);
  blocks_.reserve(static_cast<size_t>(wanted));
  while (static_cast<int64_t>(blocks_.size()) < wanted) blocks_.push_back(cache_->take());
  length_ += tokens;
}

void KvSequence::truncate(int64_t length) {
  length_ = std::clamp<int64_t>(length, 0, length_);
  release(static_cast<size_t>(kv_blocks(length_)));
}

ops::KvLayer KvSequence::layer(int64_t index) const {
  const int64_t keys = index * cache_->layer_bytes_;
  return {blocks_, {keys, cache_->types_.keys}, {keys + cache_->key_bytes_, cache_->types_.values}};
}

void KvSequence::release(size_t keep) noexcept {
  while (blocks_.size() > keep) {
    cache_->give_back(blocks_.back());
    blocks_.pop_back();
  }
}

}  // namespace patina::model
