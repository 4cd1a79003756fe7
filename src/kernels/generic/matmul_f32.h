#pragma once

#include <cstdint>

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
void f32_tokens(int64_t m, const float* a, int64_t lda, const float* b, int64_t n, float* c, int64_t ldc, int lanes,
                bool fresh) {
  each_tile<Isa::kFloatTile>(
      m, [&]<int T>(int64_t t) { f32_tile<Isa, T>(a + t * lda, lda, b, n, c + t * ldc, ldc, lanes, fresh); });
}

[[gnu::always_inline]] inline int64_t at_most(int64_t value, int64_t limit) { return value < limit ? value : limit; }

template <typename Isa>
void matmul_f32(DType type, const std::byte* packed, int64_t rows, int64_t k, int64_t panel_begin, int64_t panel_end,
                const float* x, int64_t ldx, int64_t m, float* y, int64_t ldy, float* scratch) {
  const int64_t bytes = panel_bytes(type, k);
  const int64_t together = m <= kActGroup ? 1 : m;  // a tile of one token has more chains of sums
  visit_any(type, [&]<DType kType>() {
    for (int64_t p = panel_begin; p < panel_end; ++p) {
      const auto* panel = reinterpret_cast<const uint8_t*>(packed) + p * bytes;
      const int lanes = static_cast<int>(at_most(rows - p * kPanelRows, kPanelRows));
      for (int64_t from = 0; from < k; from += kForwardColumns) {
        const int64_t count = at_most(k - from, kForwardColumns);
        unpack_columns<Isa, kType>(panel, from, from + count, scratch);
        for (int64_t t = 0; t < m; t += together) {
          f32_tokens<Isa>(together, x + t * ldx + from, ldx, scratch, count, y + t * ldy + p * kPanelRows, ldy, lanes,
                          from == 0);
        }
      }
    }
  });
}

// Rows [row, row + row_count) x columns [from, from + columns) of W to strips[column / 16][row][column % 16].
template <typename Isa, DType kType>
void unpack_transposed(const uint8_t* packed, int64_t bytes, int64_t row, int64_t row_count, int64_t from,
                       int64_t columns, float* strips) {
  alignas(kVectorBytes) float block[kBlockColumns * kPanelRows];
  for (int64_t r = 0; r < row_count; r += kPanelRows) {
    const uint8_t* panel = packed + (row + r) / kPanelRows * bytes;
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
void matmul_backward_f32(DType type, const std::byte* packed, int64_t rows, int64_t k, int64_t k_begin, int64_t k_end,
                         const float* dy, int64_t lddy, int64_t m, float* dx, int64_t lddx, float* scratch) {
  const int64_t bytes = panel_bytes(type, k);
  visit_any(type, [&]<DType kType>() {
    for (int64_t from = k_begin; from < k_end; from += kBackwardColumns) {
      const int64_t columns = at_most(k_end - from, kBackwardColumns);
      for (int64_t row = 0; row < rows; row += kBackwardRows) {
        const int64_t count = at_most(rows - row, kBackwardRows);
        unpack_transposed<Isa, kType>(reinterpret_cast<const uint8_t*>(packed), bytes, row, count, from, columns,
                                      scratch);
        for (int64_t c = 0; c < columns; c += kPanelRows) {
          const int lanes = static_cast<int>(at_most(columns - c, kPanelRows));
          f32_tokens<Isa>(m, dy + row, lddy, scratch + c * kBackwardRows, count, dx + from + c, lddx, lanes, false);
        }
      }
    }
  });
}

template <typename Isa>
void unpack_panel(DType type, const std::byte* packed, int64_t k, int64_t panel, int64_t k_begin, int64_t k_end,
                  float* out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(packed) + panel * panel_bytes(type, k);
  visit_any(type, [&]<DType kType>() { unpack_columns<Isa, kType>(bytes, k_begin, k_end, out); });
}

}  // namespace
}  // namespace patina::kernels
