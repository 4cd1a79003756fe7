#pragma once

#include <cstdint>

#include "kernels/generic/matmul_backward_i16.h"
#include "kernels/generic/matmul_backward_i8.h"

namespace patina::kernels {
namespace {

// The backward product of rounded gradients, in bytes where the type allows.
template <typename Isa>
void matmul_backward(DType type, const std::byte* packed, int64_t rows, int64_t k, int64_t k_begin, int64_t k_end,
                     const std::byte* quantized, int64_t m, float* dx, int64_t lddx, float* scratch) {
  const auto* panels = reinterpret_cast<const uint8_t*>(packed);
  const int64_t bytes = panel_bytes(type, k);
  visit_quantized(type, [&]<DType kType>() {
    for (int64_t from = k_begin; from < k_end; from += kIntegerColumns) {
      const int64_t columns = k_end - from < kIntegerColumns ? k_end - from : kIntegerColumns;
      for (int64_t t = 0; t < m; t += kIntegerTokens) {
        const BackwardBlock block{from, columns, t, m - t < kIntegerTokens ? m - t : kIntegerTokens};
        if constexpr (packed_format(kType).small_codes()) {
          auto& parts = *reinterpret_cast<ByteScratch*>(scratch);
          byte_block<Isa, kType>(panels, bytes, rows, block, quantized, m, parts, dx, lddx);
        } else {
          integer_block<Isa, kType>(panels, bytes, rows, block, quantized, m, IntegerScratch(scratch), dx, lddx);
        }
      }
    }
  });
}

}  // namespace
}  // namespace patina::kernels
