#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
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
  int64_t used = 0;
  int64_t most_used = 0;

  // At least `floats` long; sets it to what the memory holds. What is at most a quarter too large will do.
  Memory take(int64_t& floats) {
    const auto found = free.lower_bound(floats);
    if (found != free.end() && found->first <= floats + floats / 4) {
      floats = found->first;
      Memory memory = std::move(found->second);
      free.erase(found);
      use(bytes_of(floats));
      return memory;
    }
    Memory memory = allocate(bytes_of(floats));
    use(bytes_of(floats));
    return memory;
  }

  void put_back(int64_t floats, Memory memory) {
    used -= bytes_of(floats);
    free.emplace(floats, std::move(memory));
  }

  void drop(std::multimap<int64_t, Memory>::iterator buffer) {
    bytes -= bytes_of(buffer->first);
    free.erase(buffer);
  }

 private:
  static int64_t bytes_of(int64_t floats) { return floats * static_cast<int64_t>(sizeof(float)); }

  void use(int64_t size) {
    used += size;
    most_used = std::max(most_used, used);
  }

  Memory allocate(int64_t wanted) {
    make_room(wanted);
    const auto size = static_cast<size_t>(wanted);
    auto* raw = static_cast<float*>(::operator new[](size, kAlignment, std::nothrow));
    if (raw == nullptr) {
      fail(ErrorKind::kOutOfMemory, "cannot allocate {} MiB for activations; use a smaller batch or context",
           size >> 20);
    }
    bytes += wanted;
    peak = std::max(peak, bytes);
    return Memory(raw);
  }

  // Free memory goes back to the system where there would be more than a quarter beyond what was ever used at once: the
  // smallest buffer that is enough, else the largest.
  void make_room(int64_t wanted) {
    const int64_t most = std::max(most_used, used + wanted);
    const auto excess = [&] { return bytes + wanted - most - most / 4; };
    while (excess() > 0 && !free.empty()) {
      const auto enough = free.lower_bound(excess() / static_cast<int64_t>(sizeof(float)));
      drop(enough != free.end() ? enough : std::prev(free.end()));
    }
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
      memory.release(), [state = state_, floats](float* data) { state->put_back(floats, Memory(data)); });
  return result;
}

Tensor BufferPool::make_zero(int64_t rows, int64_t cols) {
  Tensor result = make(rows, cols);
  std::fill_n(result.data(), result.size(), 0.0F);
  return result;
}

void BufferPool::trim() {
  while (!state_->free.empty()) state_->drop(state_->free.begin());
}

int64_t BufferPool::bytes() const { return state_->bytes; }
int64_t BufferPool::peak_bytes() const { return state_->peak; }

}  // namespace patina::tensor
