#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/dtype.h"

// What kernels are told of the memory that they work on; none of it is theirs.
namespace patina::kernels {

// Of rows, columns or panels: [begin, end).
struct Range {
  int64_t begin;
  int64_t end;
};

// Rows of numbers: row i begins at data + i * stride.
template <typename Number>
struct Rows {
  Number* data;
  int64_t stride;

  Number* row(int64_t i) const { return data + i * stride; }
  // The same memory from a row and a column on.
  Rows from(int64_t first_row, int64_t first_column) const { return {row(first_row) + first_column, stride}; }
};

// A matrix W [rows x cols] in packed form (matmul.h).
struct PackedView {
  quant::DType type;
  const std::byte* data;  // panel 0
  int64_t rows;
  int64_t cols;  // a multiple of the type's block
};

}  // namespace patina::kernels
