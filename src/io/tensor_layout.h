#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/model_file.h"
#include "quant/dtype.h"

namespace patina::io {

constexpr size_t kMaxDimensions = 4;

// Bytes of a tensor of this type and shape (shape[0] = row length). Throws an error of `kind` that names the source
// and the tensor when there is not 1 to 4 dimensions of at least 1, when a row is no whole number of blocks, or when
// the size overflows.
uint64_t tensor_bytes(quant::DType type, std::span<const int64_t> shape, std::string_view tensor,
                      std::string_view source, ErrorKind kind = ErrorKind::kInvalidData);

// The type of that number in a file. Throws kUnsupported that names the number and the tensor.
quant::DType require_dtype(uint32_t id, std::string_view tensor, std::string_view source);

// Throws kInvalidData when two tensors share a name or bytes. Empty views overlap nothing.
void check_distinct(std::span<const TensorInfo> tensors, std::string_view source);

// `offset` rounded up to a multiple of `alignment` (a power of two). The caller has made sure that it does not
// overflow.
constexpr uint64_t align_up(uint64_t offset, uint64_t alignment) { return (offset + alignment - 1) & ~(alignment - 1); }

}  // namespace patina::io
