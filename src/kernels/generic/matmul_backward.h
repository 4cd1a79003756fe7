#pragma once

#include <cstdint>

#include "kernels/generic/bounds.h"
#include "kernels/generic/matmul_backward_i16.h"
#include "kernels/generic/matmul_backward_i8.h"

namespace patina::kernels {
namespace {

// The backward product of rounded gradients, in bytes where the type allows.
template <typename Isa>
void matmul_backward(const PackedView& view, Range columns, const std::byte* quantized, int64_t m, Rows<float> dx,
                     float* scratch) {
  const Panels w(view);
  visit_quantized(view.type, [&]<DType kType>() {
    for (int64_t from = columns.begin; from < columns.end; from += kIntegerColumns) {
      const int64_t width = at_most(columns.end - from, kIntegerColumns);
      for (int64_t t = 0; t < m; t += kIntegerTokens) {
        const BackwardBlock block{from, width, t, at_most(m - t, kIntegerTokens)};
        if constexpr (packed_format(kType).small_codes()) {
          auto& parts = *reinterpret_cast<ByteScratch*>(scratch);
          byte_block<Isa, kType>(w, block, quantized, m, parts, dx);
        } else {
          integer_block<Isa, kType>(w, block, quantized, m, IntegerScratch(scratch), dx);
        }
      }
    }
  });
}

}  // namespace
}  // namespace patina::kernels
