#include "ops/packed_matrix.h"

namespace patina::ops {

PackedMatrix::PackedMatrix(ThreadPool& pool, quant::DType type, std::span<const std::byte> file_rows, int64_t rows,
                           int64_t cols)
    : type_(type), rows_(rows), cols_(cols), packed_(static_cast<size_t>(bytes())) {
  constexpr int64_t kPanelsAtOnce = 8;
  pool.parallel_for(panels(), kPanelsAtOnce, [&](int64_t begin, int64_t end, int /*worker*/) {
    kernels::pack_panels(type_, file_rows.data(), rows_, cols_, begin, end, packed_.data());
  });
}

}  // namespace patina::ops
