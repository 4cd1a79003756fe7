#include "ops/packed_matrix.h"

#include <utility>

namespace patina::ops {

PackedMatrix::PackedMatrix(quant::DType type, std::span<const std::byte> file_rows, int64_t rows, int64_t cols)
    : type_(type), rows_(rows), cols_(cols), file_rows_(file_rows) {}

PackedMatrix::PackedMatrix(ThreadPool& pool, quant::DType type, std::span<const std::byte> file_rows, int64_t rows,
                           int64_t cols)
    : PackedMatrix(type, file_rows, rows, cols) {
  pack(pool);
}

PackedMatrix::PackedMatrix(ThreadPool& pool, quant::DType type, int64_t rows, int64_t cols,
                           FunctionRef<void(int64_t, int64_t, std::byte*)> fill)
    : PackedMatrix(type, {}, rows, cols) {
  this->fill(pool, own_memory(), fill);
}

PackedMatrix::PackedMatrix(PackedMatrix&& other) noexcept { *this = std::move(other); }

PackedMatrix& PackedMatrix::operator=(PackedMatrix&& other) noexcept {
  type_ = other.type_;
  rows_ = std::exchange(other.rows_, 0);
  cols_ = std::exchange(other.cols_, 0);
  file_rows_ = std::exchange(other.file_rows_, {});
  own_ = std::move(other.own_);
  data_ = other.data_.exchange(nullptr);
  return *this;
}

std::byte* PackedMatrix::own_memory() {
  own_ = platform::HugeBuffer(static_cast<size_t>(bytes()));
  return own_.data();
}

void PackedMatrix::pack(ThreadPool& pool) {
  if (data() == nullptr) pack(pool, {own_memory(), static_cast<size_t>(bytes())});
}

void PackedMatrix::pack(ThreadPool& pool, std::span<std::byte> memory) {
  fill(pool, memory.data(), [&](int64_t begin, int64_t end, std::byte* packed) {
    kernels::pack_panels(type_, file_rows_.data(), rows_, cols_, begin, end, packed);
  });
}

void PackedMatrix::fill(ThreadPool& pool, std::byte* memory, FunctionRef<void(int64_t, int64_t, std::byte*)> write) {
  constexpr int64_t kPanelsAtOnce = 8;
  pool.parallel_for(panels(), kPanelsAtOnce,
                    [&](int64_t begin, int64_t end, int /*worker*/) { write(begin, end, memory); });
  data_.store(memory, std::memory_order_release);
}

}  // namespace patina::ops
