#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "kernels/matmul.h"
#include "platform/huge_buffer.h"
#include "quant/dtype.h"
#include "threading/thread_pool.h"

namespace patina::ops {

// A weight matrix W [rows x cols] in the kernels' packed form, the only copy that multiplications read; or, until it is
// packed, the rows of a file. Move-only, safe to share between threads.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // Row-major blocks as they stand in a model file, which must stay until pack(). Until then a product packs each panel
  // for itself: with the same result, and sooner than pack() and the product take together, but not twice.
  PackedMatrix(quant::DType type, std::span<const std::byte> file_rows, int64_t rows, int64_t cols);
  // The same, packed at once.
  PackedMatrix(ThreadPool& pool, quant::DType type, std::span<const std::byte> file_rows, int64_t rows, int64_t cols);
  // Holds what fill(panel_begin, panel_end, packed) writes, called in parallel. Throws kOutOfMemory.
  PackedMatrix(ThreadPool& pool, quant::DType type, int64_t rows, int64_t cols,
               FunctionRef<void(int64_t, int64_t, std::byte*)> fill);
  PackedMatrix(PackedMatrix&& other) noexcept;
  PackedMatrix& operator=(PackedMatrix&& other) noexcept;
  PackedMatrix(const PackedMatrix&) = delete;
  PackedMatrix& operator=(const PackedMatrix&) = delete;
  ~PackedMatrix() = default;

  // After this the file's rows may be released. Other threads may multiply with the matrix meanwhile, but not pack it.
  // Throws kOutOfMemory, which leaves all as it was.
  void pack(ThreadPool& pool);
  // The same for matrices that linear() takes together, one after another into memory of the caller's: the bytes() of
  // all at a multiple of 64, which must stay as long as they. Each panel is written first by the worker in whose share
  // linear() finds it, so that a machine with several memories has it in the one nearest to that worker. Matrices below
  // some megabytes have huge pages only in memory that they share.
  static void pack_together(ThreadPool& pool, std::span<PackedMatrix* const> matrices, std::span<std::byte> memory);

  quant::DType type() const { return type_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t panels() const { return kernels::panel_count(rows_); }
  // Those of its panels that are in [begin, end), which may reach beyond them; begin >= end if none is.
  kernels::Range part_of(int64_t begin, int64_t end) const {
    return {std::max(begin, int64_t{0}), std::min(end, panels())};
  }
  // Null until the matrix is packed.
  const std::byte* data() const { return data_.load(std::memory_order_acquire); }
  // Of the packed matrix.
  kernels::PackedView view() const { return {type_, data(), rows_, cols_}; }
  // As given; empty where the matrix was made in packed form.
  std::span<const std::byte> file_rows() const { return file_rows_; }
  // Of the packed form.
  int64_t bytes() const { return panels() * kernels::panel_bytes(type_, cols_); }
  explicit operator bool() const { return rows_ > 0; }

 private:
  // Panels [begin, end) from the file's rows.
  void pack_panels(int64_t begin, int64_t end, std::byte* packed) const;
  void fill(ThreadPool& pool, std::byte* memory, FunctionRef<void(int64_t, int64_t, std::byte*)> write);
  std::byte* own_memory();

  quant::DType type_ = quant::DType::kF32;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  std::span<const std::byte> file_rows_;
  platform::HugeBuffer own_;                      // empty where the caller's memory is used
  std::atomic<const std::byte*> data_ = nullptr;  // packed, once it is complete
};

}  // namespace patina::ops
