#include <algorithm>
#include <cstddef>

#include "tensor/arena.h"
#include "tensor/tensor.h"

namespace patina::tensor {

struct BufferPool::State {
  Arena arena;
};

BufferPool::BufferPool() : state_(std::make_shared<State>()) {}
BufferPool::~BufferPool() = default;

Tensor BufferPool::make(int64_t rows, int64_t cols) {
  Outline outline;
  outline.node_ = std::make_shared<Outline::Node>();
  outline.rows_ = rows;
  outline.cols_ = cols;
  return make_again(outline);
}

Tensor BufferPool::make_again(const Outline& outline) {
  const size_t bytes = std::max<size_t>(static_cast<size_t>(outline.size()) * sizeof(float), 1);
  auto* data = reinterpret_cast<float*>(state_->arena.take(bytes));
  Tensor result;
  static_cast<Outline&>(result) = outline;
  // The last handle puts the memory back.
  result.memory_ = std::shared_ptr<float>(data, [state = state_, bytes](float* block) {
    state->arena.put_back(reinterpret_cast<std::byte*>(block), bytes);
  });
  return result;
}

Tensor BufferPool::make_zero(int64_t rows, int64_t cols) {
  Tensor result = make(rows, cols);
  std::fill_n(result.data(), result.size(), 0.0F);
  return result;
}

void BufferPool::trim() { state_->arena.trim(); }
int64_t BufferPool::used_bytes() const { return static_cast<int64_t>(state_->arena.used_bytes()); }
int64_t BufferPool::bytes() const { return static_cast<int64_t>(state_->arena.bytes()); }
int64_t BufferPool::peak_bytes() const { return static_cast<int64_t>(state_->arena.peak_bytes()); }

}  // namespace patina::tensor
