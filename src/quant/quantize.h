#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quant/dtype.h"

// From f32 to every tensor type. The scales of the quantized types are found by search: each makes the squared error of
// its weights small, all weights counting the same, so the RMSE is no larger than that of plain rounding. The result
// depends on the input alone. Safe to call from several threads.
namespace patina::quant {

// Quantizes rows of `row_length` numbers each into `out`, row after row.
// kInvalidArgument: row_length is no multiple of the type's block, `in` is not whole rows, or `out` is not exactly
// row_bytes(type, in.size()) long. kInvalidData: a number is NaN or infinite, or too large for the type. On an error
// `out` holds unspecified bytes.
void quantize(DType type, std::span<const float> in, std::span<std::byte> out, int64_t row_length);

}  // namespace patina::quant
