#pragma once

#include <cstdint>
#include <span>

#include "io/model_file.h"

namespace patina::io {

// The rows of a tensor from `first` on, as many whole ones as `out` holds, in f32.
void dequantize_rows(const TensorInfo& tensor, int64_t first, std::span<float> out);

}  // namespace patina::io
