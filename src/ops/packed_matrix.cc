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
  this->fill(pool, fill);
}

PackedMatrix::PackedMatrix(PackedMatrix&& other) noexcept { *this = std::move(other); }

PackedMatrix& PackedMatrix::operator=(PackedMatrix&& other) noexcept {
  type_ = other.type_;
  rows_ = std::exchange(other.rows_, 0);
  cols_ = std::exchange(other.cols_, 0);
  file_rows_ = std::exchange(other.file_rows_, {});
  packed_ = std::move(other.packed_);
  data_ = other.data_.exchange(nullptr);
  return *this;
}

void PackedMatrix::pack(ThreadPool& pool) {
  if (data() != nullptr) return;
  fill(pool, [&](int64_t begin, int64_t end, std::byte* packed) {
    kernels::pack_panels(type_, file_rows_.data(), rows_, cols_, begin, end, packed);
  });
}

void PackedMatrix::fill(ThreadPool& pool, FunctionRef<void(int64_t, int64_t, std::byte*)> write) {
  constexpr int64_t kPanelsAtOnce = 8;
  packed_ = platform::HugeBuffer(static_cast<size_t>(bytes()));
  pool.parallel_for(panels(), kPanelsAtOnce,
                    [&](int64_t begin, int64_t end, int /*worker*/) { write(begin, end, packed_.data()); });
  data_.store(packed_.data(), std::memory_order_release);
}

}  // namespace patina::ops
