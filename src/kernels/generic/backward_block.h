#pragma once

#include <cstdint>

#include "kernels/generic/quantize_gradients.h"
#include "kernels/generic/token_tiles.h"

// What the backward products in 16 bits and in bytes share: blocks of columns and tokens, whose sums are kept in f32
// until all rows of the weights have been added.
namespace patina::kernels {
namespace {

// A block of 64 columns and 512 tokens: with its weights at most 32 KiB, gradients of a segment 264 KiB, sums 128 KiB
// and, in bytes, sums of offsets 64 KiB it stays in a second-level cache of 512 KiB.
constexpr int64_t kIntegerColumns = 64;
constexpr int64_t kIntegerTokens = 512;

// A product's part: columns from `from` on, tokens from `t_begin` on.
struct BackwardBlock {
  int64_t from, columns;
  int64_t t_begin, tokens;
};

// dx [m x columns] += sums [columns / 16][m][16].
template <typename Isa>
void add_sums(const float* sums, int64_t m, int64_t columns, Rows<float> dx) {
  for (int64_t t = 0; t < m; ++t) {
    for (int64_t c = 0; c < columns; c += kPanelRows) {
      float* to = dx.row(t) + c;
      Isa::store(to, Isa::add(Isa::load(to), Isa::load(sums + c * m + t * kPanelRows)));
    }
  }
}

}  // namespace
}  // namespace patina::kernels
