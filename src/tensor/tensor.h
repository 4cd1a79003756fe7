#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace patina::tensor {

class BufferPool;

// What is left of a matrix without its numbers: which one it is, its shape, and whether a gradient flows into it. A
// cheap handle that keeps no numbers in memory.
class Outline {
 public:
  Outline() = default;

  explicit operator bool() const { return node_ != nullptr; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t size() const { return rows_ * cols_; }

  // Whether a gradient shall flow into this tensor: set for trained parameters and by every operation whose result
  // depends on one.
  bool needs_grad() const { return node_->needs_grad; }
  void set_needs_grad(bool value) const { node_->needs_grad = value; }

  // Equal for two handles of the same tensor.
  const void* key() const { return node_.get(); }

 private:
  friend class BufferPool;
  friend class Tensor;
  struct Node {
    bool needs_grad = false;
  };
  std::shared_ptr<Node> node_;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
};

// A matrix of f32, row-major and contiguous: element (i, j) is data()[i * cols() + j]. A cheap handle; copies share the
// memory, which goes back to its pool with the last handle. Not thread safe as a handle; several threads may work on
// the elements.
class Tensor : public Outline {
 public:
  Tensor() = default;

  const Outline& outline() const { return *this; }
  float* data() const { return memory_.get() + offset_; }
  float* row(int64_t i) const { return data() + i * cols_; }
  std::span<float> values() const { return {data(), static_cast<size_t>(size())}; }
  // Rows [first, first + count) of the same memory. Operations on a view must not be recorded.
  Tensor rows_view(int64_t first, int64_t count) const {
    Tensor view = *this;
    view.offset_ += first * cols_;
    view.rows_ = count;
    return view;
  }

 private:
  friend class BufferPool;
  std::shared_ptr<float> memory_;
  int64_t offset_ = 0;  // of the first element in the memory
};

// Where tensors come from: memory that is given back is kept to be handed out again (Arena), so a pass asks the system
// for little after the first. Not thread safe; tensors may outlive it.
class BufferPool {
 public:
  BufferPool();
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Contents are undefined. `rows` may be 0. 64-byte aligned. Throws kOutOfMemory.
  Tensor make(int64_t rows, int64_t cols);
  Tensor make_zero(int64_t rows, int64_t cols);
  // New memory for a tensor that still is what it was: its gradient is the same as before.
  Tensor make_again(const Outline& outline);

  // Gives back to the system what is not in use.
  void trim();
  // Bytes of all tensors that there are.
  int64_t used_bytes() const;
  // Bytes taken from the system now, about, and the most there ever were.
  int64_t bytes() const;
  int64_t peak_bytes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace patina::tensor
