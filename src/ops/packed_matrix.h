#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "kernels/matmul.h"
#include "platform/huge_buffer.h"
#include "quant/dtype.h"
#include "threading/thread_pool.h"

namespace patina::ops {

// A weight matrix W [rows x cols] in the kernels' packed form, the only copy that multiplications read. Move-only,
// immutable, safe to share between threads.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // Packs row-major blocks as they stand in a model file. `file_rows` may be released afterwards. Throws
  // kOutOfMemory.
  PackedMatrix(ThreadPool& pool, quant::DType type, std::span<const std::byte> file_rows, int64_t rows, int64_t cols);
  // Holds what fill(panel_begin, panel_end, packed) writes, called in parallel. Throws kOutOfMemory.
  PackedMatrix(ThreadPool& pool, quant::DType type, int64_t rows, int64_t cols,
               FunctionRef<void(int64_t, int64_t, std::byte*)> fill);

  quant::DType type() const { return type_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t panels() const { return kernels::panel_count(rows_); }
  const std::byte* data() const { return packed_.data(); }
  int64_t bytes() const { return panels() * kernels::panel_bytes(type_, cols_); }
  explicit operator bool() const { return rows_ > 0; }

 private:
  quant::DType type_ = quant::DType::kF32;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  platform::HugeBuffer packed_;
};

}  // namespace patina::ops
