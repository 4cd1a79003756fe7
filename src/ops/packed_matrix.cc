#include "ops/packed_matrix.h"

namespace patina::ops {

PackedMatrix::PackedMatrix(ThreadPool& pool, quant::DType type, int64_t rows, int64_t cols,
                           FunctionRef<void(int64_t, int64_t, std::byte*)> fill)
    : type_(type), rows_(rows), cols_(cols), packed_(static_cast<size_t>(bytes())) {
  constexpr int64_t kPanelsAtOnce = 8;
  pool.parallel_for(panels(), kPanelsAtOnce,
                    [&](int64_t begin, int64_t end, int /*worker*/) { fill(begin, end, packed_.data()); });
}

PackedMatrix::PackedMatrix(ThreadPool& pool, quant::DType type, std::span<const std::byte> file_rows, int64_t rows,
                           int64_t cols)
    : PackedMatrix(pool, type, rows, cols, [&](int64_t begin, int64_t end, std::byte* packed) {
        kernels::pack_panels(type, file_rows.data(), rows, cols, begin, end, packed);
      }) {}

}  // namespace patina::ops
