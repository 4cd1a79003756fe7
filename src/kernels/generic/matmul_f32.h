#pragma once

#include <cstdint>

#include "kernels/generic/bounds.h"
#include "kernels/generic/token_tiles.h"
#include "kernels/generic/unpack.h"

// Products with f32 activations, forward and backward. Both come down to one tile,
//   C[t][0..15] += sum_p A[t][p] * B[p][0..15]
// with B unpacked to f32 in the caches: [k][16 rows] forward, its transpose [row][16 k] backward.
namespace patina::kernels {
namespace {

// Columns unpacked at a time by the forward product: 16 KiB of f32, half of the smallest first-level cache.
constexpr int64_t kForwardColumns = 256;
// The backward tile of 256 rows x 256 columns of weights is 256 KiB of f32, half of the smallest second-level cache;
// a strip of 16 columns of it is 16 KiB.
constexpr int64_t kBackwardRows = 256;
constexpr int64_t kBackwardColumns = 256;
static_assert(kForwardColumns * kPanelRows <= kScratchFloats && kBackwardRows * kBackwardColumns <= kScratchFloats);

// Sums in kSplit interleaved chains, so that few tokens still fill the multiply-add pipeline.
template <typename Isa, int T, int kSplit>
[[gnu::always_inline]] inline void f32_products(const float* a, int64_t lda, const float* b, int64_t n,
                                                typename Isa::Floats (&sum)[T * kSplit]) {
  int64_t p = 0;
  for (; p + kSplit <= n; p += kSplit) {
#pragma GCC unroll 4
    for (int s = 0; s < kSplit; ++s) {
      const auto column = Isa::load(b + (p + s) * kPanelRows);
#pragma GCC unroll 16
      for (int t = 0; t < T; ++t) {
        sum[s * T + t] = Isa::fma(Isa::broadcast(a + t * lda + p + s), column, sum[s * T + t]);
      }
    }
  }
  for (; p < n; ++p) {
    const auto column = Isa::load(b + p * kPanelRows);
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) sum[t] = Isa::fma(Isa::broadcast(a + t * lda + p), column, sum[t]);
  }
}

// `fresh` overwrites C, else adds to it.
template <typename Isa, int T>
void f32_tile(const float* a, int64_t lda, const float* b, int64_t n, float* c, int64_t ldc, int lanes, bool fresh) {
  constexpr int kSplit = T == 1 ? 4 : T <= 3 ? 2 : 1;
  typename Isa::Floats sum[T * kSplit];
#pragma GCC unroll 16
  for (int i = 0; i < T * kSplit; ++i) sum[i] = Isa::zero();
  if (!fresh) {
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t) sum[t] = Isa::load_some(c + t * ldc, lanes);
  }
  f32_products<Isa, T, kSplit>(a, lda, b, n, sum);
#pragma GCC unroll 16
  for (int t = 0; t < T; ++t) {
    for (int s = 1; s < kSplit; ++s) sum[t] = Isa::add(sum[t], sum[s * T + t]);
    Isa::store_some(c + t * ldc, sum[t], lanes);
  }
}

template <typename Isa>
void f32_tokens(int64_t m, Rows<const float> a, const float* b, int64_t n, Rows<float> c, int lanes, bool fresh) {
  each_tile<Isa::kFloatTile>(
      m, [&]<int T>(int64_t t) { f32_tile<Isa, T>(a.row(t), a.stride, b, n, c.row(t), c.stride, lanes, fresh); });
}

template <typename Isa>
void matmul_f32(const PackedView& view, Range panels, Rows<const float> x, int64_t m, Rows<float> y, float* scratch) {
  const Panels w(view);
  const int64_t together = m <= kActGroup ? 1 : m;  // a tile of one token has more chains of sums
  visit_any(view.type, [&]<DType kType>() {
    for (int64_t p = panels.begin; p < panels.end; ++p) {
      for (int64_t from = 0; from < w.cols; from += kForwardColumns) {
        const int64_t count = at_most(w.cols - from, kForwardColumns);
        unpack_columns<Isa, kType>(w.panel(p), from, from + count, scratch);
        for (int64_t t = 0; t < m; t += together) {
          f32_tokens<Isa>(together, x.from(t, from), scratch, count, y.from(t, p * kPanelRows), w.lanes(p), from == 0);
        }
      }
    }
  });
}

// Rows [row, row + row_count) x columns [from, from + columns) of W to strips[column / 16][row][column % 16].
template <typename Isa, DType kType>
void unpack_transposed(const Panels& w, int64_t row, int64_t row_count, int64_t from, int64_t columns, float* strips) {
  alignas(kVectorBytes) float block[kBlockColumns * kPanelRows];
  for (int64_t r = 0; r < row_count; r += kPanelRows) {
    const uint8_t* panel = w.panel((row + r) / kPanelRows);
    for (int64_t c = 0; c < columns; c += kBlockColumns) {
      const int64_t count = at_most(columns - c, kBlockColumns);
      unpack_columns<Isa, kType>(panel, from + c, from + c + count, block);
      for (int64_t i = count * kPanelRows; i < kBlockColumns * kPanelRows; ++i) block[i] = 0.0F;
      float* out = strips + c * kBackwardRows + r * kPanelRows;
      Isa::transpose(block, out);
      Isa::transpose(block + kPanelRows * kPanelRows, out + kPanelRows * kBackwardRows);
    }
  }
}

template <typename Isa>
void matmul_backward_f32(const PackedView& view, Range columns, Rows<const float> dy, int64_t m, Rows<float> dx,
                         float* scratch) {
  const Panels w(view);
  visit_any(view.type, [&]<DType kType>() {
    for (int64_t from = columns.begin; from < columns.end; from += kBackwardColumns) {
      const int64_t width = at_most(columns.end - from, kBackwardColumns);
      for (int64_t row = 0; row < w.rows; row += kBackwardRows) {
        const int64_t count = at_most(w.rows - row, kBackwardRows);
        unpack_transposed<Isa, kType>(w, row, count, from, width, scratch);
        for (int64_t c = 0; c < width; c += kPanelRows) {
          const int lanes = lanes_before(c, width);
          f32_tokens<Isa>(m, dy.from(0, row), scratch + c * kBackwardRows, count, dx.from(0, from + c), lanes, false);
        }
      }
    }
  });
}

template <typename Isa>
void unpack_panel(const PackedView& w, int64_t panel, Range columns, float* out) {
  const uint8_t* from = Panels(w).panel(panel);
  visit_any(w.type, [&]<DType kType>() { unpack_columns<Isa, kType>(from, columns.begin, columns.end, out); });
}

}  // namespace
}  // namespace patina::kernels
