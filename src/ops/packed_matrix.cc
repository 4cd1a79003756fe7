#include "ops/packed_matrix.h"

#include <utility>
#include <vector>

namespace patina::ops {

namespace {

constexpr int64_t kPanelsAtOnce = 8;

}  // namespace

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
  if (data() != nullptr) return;
  fill(pool, own_memory(), [this](int64_t begin, int64_t end, std::byte* packed) { pack_panels(begin, end, packed); });
}

void PackedMatrix::pack_together(ThreadPool& pool, std::span<PackedMatrix* const> matrices,
                                 std::span<std::byte> memory) {
  std::vector<std::byte*> places;
  int64_t panels = 0;
  for (const PackedMatrix* matrix : matrices) {
    places.push_back(memory.data());
    memory = memory.subspan(static_cast<size_t>(matrix->bytes()));
    panels += matrix->panels();
  }
  pool.parallel_for(panels, kPanelsAtOnce, [&](int64_t begin, int64_t end, int /*worker*/) {
    int64_t first = 0;
    for (size_t i = 0; i < matrices.size(); ++i) {
      const kernels::Range part = matrices[i]->part_of(begin - first, end - first);
      if (part.begin < part.end) matrices[i]->pack_panels(part.begin, part.end, places[i]);
      first += matrices[i]->panels();
    }
  });
  for (size_t i = 0; i < matrices.size(); ++i) matrices[i]->data_.store(places[i], std::memory_order_release);
}

void PackedMatrix::pack_panels(int64_t begin, int64_t end, std::byte* packed) const {
  kernels::pack_panels(type_, file_rows_.data(), rows_, cols_, {begin, end}, packed);
}

void PackedMatrix::fill(ThreadPool& pool, std::byte* memory, FunctionRef<void(int64_t, int64_t, std::byte*)> write) {
  pool.parallel_for(panels(), kPanelsAtOnce,
                    [&](int64_t begin, int64_t end, int /*worker*/) { write(begin, end, memory); });
  data_.store(memory, std::memory_order_release);
}

}  // namespace patina::ops
