#include "io/tensor_rows.h"

#include "quant/dequantize.h"

namespace patina::io {

void dequantize_rows(const TensorInfo& tensor, int64_t first, std::span<float> out) {
  const auto row = static_cast<size_t>(tensor.row_length());
  const auto row_bytes = static_cast<size_t>(quant::row_bytes(tensor.type, tensor.row_length()));
  quant::dequantize(tensor.type,
                    tensor.data.subspan(static_cast<size_t>(first) * row_bytes, out.size() / row * row_bytes), out);
}

}  // namespace patina::io
