#pragma once

#include <cstdint>

#include "kernels/generic/bounds.h"
#include "kernels/vector.h"

// C = beta C + alpha A B in tiles of V::kTileRows x (V::kTileVectors * V::kWidth) sums that stay in registers. A block
// of B (at most kDepth deep) is copied to strips [p][column] of 128 KiB together, which fit the second-level cache; the
// rows of A of one tile to [p][row], which fit the first. Where a copy would be read only once it is skipped.
// The scheme is that of K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
namespace patina::kernels {
namespace {

constexpr int64_t kDepth = 256;
constexpr int64_t kColumns = 128;  // more where B is at most half as deep
constexpr int64_t kBlockFloats = kDepth * kColumns;
constexpr int64_t kMaxTileRows = 16;
constexpr int64_t kDotRows = 3;  // of A, with a transposed B: copies would not pay
constexpr int kNarrowRows = 12;  // of a tile of one vector: enough sums that none is waited for

struct Scaling {
  float alpha;
  float beta;
};

// Element (line, p) is at data[line * line_stride + p * depth_stride]; one of the strides is 1.
struct Operand {
  const float* data;
  int64_t line_stride;
  int64_t depth_stride;

  Operand at(int64_t line, int64_t p) const {
    return {data + line * line_stride + p * depth_stride, line_stride, depth_stride};
  }
};

// rows[i] becomes column i of the square.
template <typename V>
[[gnu::always_inline]] inline void transpose(typename V::F (&rows)[V::kWidth]) {
  constexpr int kHalf = V::kWidth / 2;
#pragma GCC unroll 4
  for (int step = 1; step < V::kWidth; step *= 2) {  // each a perfect shuffle of the whole square
    typename V::F shuffled[V::kWidth];
#pragma GCC unroll 8
    for (int i = 0; i < kHalf; ++i) {
      shuffled[2 * i] = V::zip_low(rows[i], rows[i + kHalf]);
      shuffled[2 * i + 1] = V::zip_high(rows[i], rows[i + kHalf]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < V::kWidth; ++i) rows[i] = shuffled[i];
  }
}

// Copies `lines` <= kWidth lines to out[p * stride + line]; the lines missing to kWidth are zeros.
template <typename V>
void pack_transposed(const Operand& from, int lines, int64_t depth, float* out, int64_t stride) {
  int64_t p = 0;
  for (; p + V::kWidth <= depth; p += V::kWidth) {
    typename V::F square[V::kWidth];
    for (int i = 0; i < V::kWidth; ++i) {
      square[i] = i < lines ? V::load(from.data + i * from.line_stride + p) : V::set(0.0F);
    }
    transpose<V>(square);
#pragma GCC unroll 16
    for (int i = 0; i < V::kWidth; ++i) V::store(out + (p + i) * stride, square[i]);
  }
  for (; p < depth; ++p) {
    for (int i = 0; i < V::kWidth; ++i) out[p * stride + i] = i < lines ? from.data[i * from.line_stride + p] : 0.0F;
  }
}

// Any number of lines up to `stride`, a multiple of kWidth.
template <typename V>
void pack(const Operand& from, int64_t lines, int64_t depth, float* out, int64_t stride) {
  if (from.line_stride == 1) {
    for (int64_t p = 0; p < depth; ++p) {
      const float* row = from.data + p * from.depth_stride;
      int64_t i = 0;
      for (; i + V::kWidth <= lines; i += V::kWidth) V::store(out + p * stride + i, V::load(row + i));
      if (i < lines) V::store(out + p * stride + i, V::load_some(row + i, static_cast<int>(lines - i)));
    }
    return;
  }
  for (int64_t i = 0; i < lines; i += V::kWidth) {
    pack_transposed<V>(from.at(i, 0), static_cast<int>(at_most(lines - i, V::kWidth)), depth, out + i, stride);
  }
}

// The lanes of the last vector that exist in C.
template <typename V>
[[gnu::always_inline]] inline void finish(typename V::F value, const Scaling& by, float* c, int lanes) {
  value = V::mul(V::set(by.alpha), value);
  if (lanes == V::kWidth) {
    V::store(c, by.beta == 0.0F ? value : V::fma(V::set(by.beta), V::load(c), value));
  } else {
    V::store_some(c, by.beta == 0.0F ? value : V::fma(V::set(by.beta), V::load_some(c, lanes), value), lanes);
  }
}

// kRows x kVectors tile: a[p * a_stride + i], b[p * b_stride + j].
template <typename V, int kRows, int kVectors>
void tile(const float* a, int64_t a_stride, const float* b, int64_t b_stride, int64_t depth, const Scaling& by,
          float* c, int64_t ldc, int64_t columns) {
  typename V::F sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[i][v] = V::set(0.0F);
  }
  for (int64_t p = 0; p < depth; ++p, a += a_stride, b += b_stride) {
    typename V::F column[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) column[v] = V::load(b + v * V::kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const typename V::F factor = V::set(a[i]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[i][v] = V::fma(factor, column[v], sums[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t lanes = columns - v * V::kWidth;
      if (lanes > 0)
        finish<V>(sums[i][v], by, c + i * ldc + v * V::kWidth, static_cast<int>(at_most(lanes, V::kWidth)));
    }
  }
}

template <typename V, int kRows, int kVectors>
void tile_of(int64_t rows, const float* a, int64_t a_stride, const float* b, int64_t b_stride, int64_t depth,
             const Scaling& by, float* c, int64_t ldc, int64_t columns) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      return tile_of<V, kRows - 1, kVectors>(rows, a, a_stride, b, b_stride, depth, by, c, ldc, columns);
    }
  }
  tile<V, kRows, kVectors>(a, a_stride, b, b_stride, depth, by, c, ldc, columns);
}

// One block of B, `columns` wide and `depth` <= kDepth deep and of at most kBlockFloats, against all rows of A.
template <typename V, int kRows, int kVectors>
void multiply_block(const Operand& a, const Operand& b, int64_t m, int64_t columns, int64_t depth, bool pack_a,
                    const Scaling& by, float* c, int64_t ldc) {
  constexpr int64_t kStrip = kVectors * V::kWidth;
  constexpr int64_t kRowStride = (kRows + V::kWidth - 1) / V::kWidth * V::kWidth;
  static_assert(kColumns % kStrip == 0 && kRowStride <= kMaxTileRows);
  alignas(64) float strips[kBlockFloats];
  alignas(64) float rows[kDepth * kRowStride];

  // Full strips of B may be read where they are if one tile covers all rows.
  const int64_t direct = b.line_stride == 1 && m <= kRows ? columns / kStrip * kStrip : 0;
  for (int64_t j = direct; j < columns;) {
    const int64_t width = columns - j > V::kWidth ? kStrip : V::kWidth;
    pack<V>(b.at(j, 0), at_most(columns - j, width), depth, strips + j * depth, width);
    j += width;
  }
  int64_t tiles = (m + kRows - 1) / kRows;
  for (int64_t i = 0, count = 0; i < m; i += count, --tiles) {
    count = (m - i + tiles - 1) / tiles;  // much the same for all: a tile of few rows waits for its sums
    if (pack_a) pack<V>(a.at(i, 0), count, depth, rows, kRowStride);
    const float* lines = pack_a ? rows : a.at(i, 0).data;
    const int64_t stride = pack_a ? kRowStride : a.depth_stride;
    for (int64_t j = 0; j < columns;) {
      const bool wide = columns - j > V::kWidth;
      const float* strip = j < direct ? b.at(j, 0).data : strips + j * depth;
      const int64_t step = j < direct ? b.depth_stride : wide ? kStrip : V::kWidth;
      const auto run = wide ? tile_of<V, kRows, kVectors> : tile_of<V, kRows, 1>;
      run(count, lines, stride, strip, step, depth, by, c + i * ldc + j, ldc, columns - j);
      j += wide ? kStrip : V::kWidth;
    }
  }
}

// kRows x kCount dot products of rows of A and columns of B, both of which lie in memory one number after another.
template <typename V, int kRows, int kCount>
void dot_tile(const float* a, int64_t lda, const float* b, int64_t ldb, int64_t k, const Scaling& by, float* c,
              int64_t ldc) {
  typename V::F sums[kRows][kCount];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) sums[i][j] = V::set(0.0F);
  }
  const auto add = [&](const auto& load, int64_t p) __attribute__((always_inline)) {
    typename V::F rows[kRows];
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) rows[i] = load(a + i * lda + p);
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) {
      const typename V::F column = load(b + j * ldb + p);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) sums[i][j] = V::fma(rows[i], column, sums[i][j]);
    }
  };
  int64_t p = 0;
  for (; p + V::kWidth <= k; p += V::kWidth) add([](const float* from) { return V::load(from); }, p);
  const int left = static_cast<int>(k - p);
  if (left > 0) add([left](const float* from) { return V::load_some(from, left); }, p);
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) {
      float& out = c[i * ldc + j];
      const float value = by.alpha * V::reduce_add(sums[i][j]);
      out = by.beta == 0.0F ? value : by.beta * out + value;
    }
  }
}

// C in tiles of dot products, without a copy of A or B.
template <typename V>
void dot_products(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb,
                  const Scaling& by, float* c, int64_t ldc) {
  constexpr int kRows = 3;
  constexpr int kCount = 4;
  for (int64_t i = 0; i < m;) {
    const bool whole = m - i >= kRows;
    for (int64_t j = 0; j < n;) {
      const bool wide = n - j >= kCount;
      const auto run = whole ? (wide ? dot_tile<V, kRows, kCount> : dot_tile<V, kRows, 1>)
                             : (wide ? dot_tile<V, 1, kCount> : dot_tile<V, 1, 1>);
      run(a + i * lda, lda, b + j * ldb, ldb, k, by, c + i * ldc + j, ldc);
      j += wide ? kCount : 1;
    }
    i += whole ? kRows : 1;
  }
}

template <typename V>
void sgemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
           const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  // Too few of one side to pay for transposed copies.
  if (!trans_a && trans_b && (m <= kDotRows || (n <= kSgemmDotColumns && k >= kSgemmDotDepth))) {
    return dot_products<V>(m, n, k, a, lda, b, ldb, {alpha, beta}, c, ldc);
  }
  const Operand left = {a, trans_a ? 1 : lda, trans_a ? lda : 1};
  const Operand right = {b, trans_b ? ldb : 1, trans_b ? 1 : ldb};
  // A single row needs no interleaving; a transposed A lies interleaved already and is copied only if read often.
  const bool pack_a = m > 1 && !(trans_a && n <= 2 * V::kTileVectors * V::kWidth);
  const auto run =
      n <= V::kWidth ? multiply_block<V, kNarrowRows, 1> : multiply_block<V, V::kTileRows, V::kTileVectors>;
  const int64_t wide = k < kDepth ? kBlockFloats / (k > 0 ? k : 1) / kColumns * kColumns : kColumns;
  for (int64_t j = 0; j < n; j += wide) {
    const int64_t columns = at_most(n - j, wide);
    int64_t p = 0;
    do {  // once even if k is 0: C is still scaled
      const int64_t depth = at_most(k - p, kDepth);
      run(left.at(0, p), right.at(j, p), m, columns, depth, pack_a, {alpha, p == 0 ? beta : 1.0F}, c + j, ldc);
      p += kDepth;
    } while (p < k);
  }
}

}  // namespace
}  // namespace patina::kernels
