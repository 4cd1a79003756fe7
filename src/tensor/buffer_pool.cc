#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "base/error.h"
#include "tensor/tensor.h"

namespace patina::tensor {

namespace {

constexpr std::align_val_t kAlignment{64};

struct FreeAligned {
  void operator()(float* p) const { ::operator delete[](p, kAlignment); }
};
using Memory = std::unique_ptr<float[], FreeAligned>;

// Sizes are rounded up to an eighth of their power of two, so that neighbouring sizes share buffers.
int64_t rounded(int64_t floats) {
  const auto wanted = static_cast<uint64_t>(std::max<int64_t>(floats, 256));
  const uint64_t step = std::bit_floor(wanted) / 8;
  return static_cast<int64_t>((wanted + step - 1) / step * step);
}

}  // namespace

struct BufferPool::State {
  std::multimap<int64_t, Memory> free;
  int64_t bytes = 0;
  int64_t peak = 0;

  // At least `floats` long; sets it to what the memory holds. What is at most a quarter too large will do.
  Memory take(int64_t& floats) {
    const auto found = free.lower_bound(floats);
    if (found != free.end() && found->first <= floats + floats / 4) {
      floats = found->first;
      Memory memory = std::move(found->second);
      free.erase(found);
      return memory;
    }
    const auto size = static_cast<size_t>(floats) * sizeof(float);
    auto* raw = static_cast<float*>(::operator new[](size, kAlignment, std::nothrow));
    if (raw == nullptr) {
      fail(ErrorKind::kOutOfMemory, "cannot allocate {} MiB for activations; use a smaller batch or context",
           size >> 20);
    }
    bytes += static_cast<int64_t>(size);
    peak = std::max(peak, bytes);
    return Memory(raw);
  }
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
  int64_t floats = rounded(outline.size());
  Memory memory = state_->take(floats);
  Tensor result;
  static_cast<Outline&>(result) = outline;
  // The last handle puts the memory back.
  result.memory_ = std::shared_ptr<float>(
      memory.release(), [state = state_, floats](float* data) { state->free.emplace(floats, Memory(data)); });
  return result;
}

Tensor BufferPool::make_zero(int64_t rows, int64_t cols) {
  Tensor result = make(rows, cols);
  std::fill_n(result.data(), result.size(), 0.0F);
  return result;
}

void BufferPool::trim() {
  for (const auto& [floats, memory] : state_->free) state_->bytes -= floats * static_cast<int64_t>(sizeof(float));
  state_->free.clear();
}

int64_t BufferPool::bytes() const { return state_->bytes; }
int64_t BufferPool::peak_bytes() const { return state_->peak; }

}  // namespace patina::tensor
