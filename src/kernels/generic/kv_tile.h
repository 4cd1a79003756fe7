#pragma once

#include <cstring>

#include "kernels/generic/bounds.h"
#include "kernels/generic/elementwise.h"
#include "kernels/generic/q8_block.h"
#include "kernels/kv_tile.h"
#include "kernels/views.h"

// Products with tiles of a cache as kv_tile.h describes them: what is kept in few bytes becomes what is multiplied in
// registers, or for many rows once in the first-level cache.
namespace patina::kernels {
namespace {

constexpr int64_t kQ8KeyBlockBytes = kKeyPanel * kQ8BlockBytes;
constexpr int64_t kKeyScaleBytes = kKeyPanel * static_cast<int64_t>(sizeof(f16));
constexpr int64_t kQ8ValueBlockBytes = kKvTile * kQ8BlockBytes;
constexpr int64_t kValueScaleBytes = kKvTile * static_cast<int64_t>(sizeof(f16));

// What is multiplied: the matrix [depth x columns] of a tile's keys or values, from column `column` on. load() gives
// the v-th vector of columns at depth p.

struct Unscaled {};

template <typename V>
struct F16Keys {
  const std::byte* keys;
  int64_t dim;
  int64_t column = 0;

  Unscaled scale(int64_t /*p*/, int /*v*/) const { return {}; }
  typename V::F load(int64_t p, int v, Unscaled /*scale*/) const {
    const int64_t at = column + v * V::kWidth;
    const auto* panels = reinterpret_cast<const f16*>(keys);
    return V::load_half(panels + (at / kKeyPanel * dim + p) * kKeyPanel + at % kKeyPanel);
  }
};

template <typename V>
struct Q8Keys {
  const std::byte* keys;
  int64_t dim;
  int64_t column = 0;

  struct Block {
    typename V::F scale;
    const std::byte* codes;  // as if of depth 0
  };
  Block scale(int64_t p, int v) const {
    const int64_t at = column + v * V::kWidth;
    const int64_t lane = at % kKeyPanel;
    const std::byte* block = keys + (at / kKeyPanel * (dim / kQ8Block) + p / kQ8Block) * kQ8KeyBlockBytes;
    return {V::load_half(reinterpret_cast<const f16*>(block) + lane),
            block + kKeyScaleBytes + lane - p / kQ8Block * kQ8Block * kKeyPanel};
  }
  typename V::F load(int64_t p, int /*v*/, const Block& block) const {
    return V::mul(block.scale, V::load_signed_bytes(block.codes + p * kKeyPanel));
  }
};

template <typename V>
struct F16Values {
  const std::byte* values;
  int64_t dim;
  int64_t column = 0;

  const f16* at(int64_t p) const { return reinterpret_cast<const f16*>(values) + p * dim + column; }
  Unscaled scale(int64_t /*p*/, int /*v*/) const { return {}; }
  typename V::F load(int64_t p, int v, Unscaled /*scale*/) const { return V::load_half(at(p) + v * V::kWidth); }
};

template <typename V>
struct Q8Values {
  const std::byte* values;
  int64_t column = 0;

  struct Block {
    alignas(64) float scales[kQ8Block];
    int64_t begin;
    const std::byte* codes;  // as if of depth 0
  };
  Block scale(int64_t p, int v) const {
    const int64_t at = column + v * V::kWidth;
    const std::byte* block = values + at / kQ8Block * kQ8ValueBlockBytes;
    Block result;
    for (int i = 0; i < kQ8Block; i += V::kWidth) {
      V::store(result.scales + i, V::load_half(reinterpret_cast<const f16*>(block) + p + i));
    }
    result.begin = p;
    result.codes = block + kValueScaleBytes + at % kQ8Block;
    return result;
  }
  typename V::F load(int64_t p, int /*v*/, const Block& block) const {
    return V::mul(V::set(block.scales[p - block.begin]), V::load_signed_bytes(block.codes + p * kQ8Block));
  }
};

// Depths that are multiplied before sums are stored, and rows that are made factors at a time.
constexpr int64_t kDepthRun = 64;
constexpr int64_t kKvRows = 64;

// How rows and columns meet: `P` names the vectors of floats that columns become (Vec), and what is multiplied at a
// time, kDepths numbers of a row (Factor) and as many vectors of columns (Columns), rounded or not. These are the
// numbers themselves:
template <typename V>
struct FloatProducts {
  using Vec = V;
  using Factor = float;
  using Columns = typename V::F;
  static constexpr int64_t kDepths = 1;

  class Factors {
   public:
    // Of `depth` <= kDepthRun numbers of each of `m` <= kKvRows rows; good until the next call.
    static Rows<const float> convert(Rows<const float> rows, int64_t /*m*/, int64_t /*depth*/) { return rows; }
  };
  // Of vectors[n], n < kDepths.
  static Columns join(const typename V::F* vectors) { return vectors[0]; }
  // `sum` and each lane's kDepths products.
  static typename V::F add_products(typename V::F sum, Columns columns, const Factor* factor) {
    return V::fma(V::set(*factor), columns, sum);
  }
  // What x is multiplied as, for columns that fill no vector.
  static float rounded(float x) { return x; }
};

// Columns at depth p, a multiple of kDepths; from `end` on they are zeros.
template <typename P, typename Source, typename Scale>
typename P::Columns columns_at(const Source& from, int64_t p, int64_t end, int v, const Scale& scale) {
  typename P::Vec::F vectors[P::kDepths];
  vectors[0] = from.load(p, v, scale);
  for (int64_t n = 1; n < P::kDepths; ++n) {
    vectors[n] = p + n < end ? from.load(p + n, v, scale) : P::Vec::set(0.0F);
  }
  return P::join(vectors);
}

// The same in memory, for many rows: depths from `begin` on, kVectors vectors of columns.
template <typename P, int kVectors>
struct UnpackedColumns {
  typename P::Columns vectors[kDepthRun / P::kDepths * kVectors];
  int64_t begin;

  template <typename Source>
  void unpack(const Source& from, int64_t first, int64_t end) {
    begin = first;
    for (int v = 0; v < kVectors; ++v) {
      typename P::Columns* to = vectors + v;
      for (int64_t p = first; p < end;) {
        const auto scale = from.scale(p, v);
        for (const int64_t stop = at_most(p + kQ8Block, end); p < stop; p += P::kDepths, to += kVectors)
          *to = columns_at<P>(from, p, end, v, scale);
      }
    }
  }
  Unscaled scale(int64_t /*p*/, int /*v*/) const { return {}; }
};

template <typename P, int kVectors>
typename P::Columns columns_at(const UnpackedColumns<P, kVectors>& from, int64_t p, int64_t /*end*/, int v,
                               Unscaled /*scale*/) {
  const auto depth = static_cast<uint64_t>(p - from.begin);  // unsigned, so that dividing it is a shift
  return from.vectors[depth / P::kDepths * kVectors + v];
}

// c(i, j) (+)= sum_p a(i, p) * b(p, j)   for i < kRows, kVectors vectors of columns and begin <= p < end, where `a` are
// factors from `begin` on. A function of its own: within another, g++ finds no registers for some of the addresses.
template <typename P, int kRows, int kVectors, typename Source>
[[gnu::noinline]] void kv_block(Rows<const typename P::Factor> a, const Source& b, int64_t begin, int64_t end, bool add,
                                Rows<float> c) {
  using V = typename P::Vec;
  typename V::F sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[i][v] = V::set(0.0F);
  }
  for (int64_t p = begin; p < end;) {
    decltype(b.scale(p, 0)) scales[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) scales[v] = b.scale(p, v);
    for (const int64_t stop = at_most(p + kQ8Block, end); p < stop; p += P::kDepths, ++a.data) {
      typename P::Columns columns[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) columns[v] = columns_at<P>(b, p, end, v, scales[v]);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[i][v] = P::add_products(sums[i][v], columns[v], a.row(i));
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* to = c.data + i * c.stride + v * V::kWidth;
      V::store(to, add ? V::add(V::load(to), sums[i][v]) : sums[i][v]);
    }
  }
}

// The same for `rows` <= kRows rows.
template <typename P, int kRows, int kVectors, typename Source>
void kv_rows(int64_t rows, Rows<const typename P::Factor> a, const Source& b, int64_t begin, int64_t end, bool add,
             Rows<float> c) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return kv_rows<P, kRows - 1, kVectors>(rows, a, b, begin, end, add, c);
  }
  kv_block<P, kRows, kVectors>(a, b, begin, end, add, c);
}

// Any number of rows, in runs that are much the same.
template <typename P, int kRows, int kVectors, typename Source>
void kv_runs(int64_t m, Rows<const typename P::Factor> a, const Source& b, int64_t begin, int64_t end, bool add,
             Rows<float> c) {
  int64_t runs = (m + kRows - 1) / kRows;
  for (int64_t i = 0, count = 0; i < m; i += count, --runs) {
    count = (m - i + runs - 1) / runs;
    kv_rows<P, kRows, kVectors>(count, a.from(i, 0), b, begin, end, add, c.from(i, 0));
  }
}

// Takes kVectors vectors of columns at a time, from b.column on while they fit before column `limit`, and leaves
// b.column where those begin that are left.
template <typename P, int kRows, int kVectors, typename Source>
void kv_columns(int64_t m, Rows<const typename P::Factor> a, Source& b, int64_t begin, int64_t end, int64_t limit,
                bool add, Rows<float> c) {
  constexpr int64_t kWidth = kVectors * P::Vec::kWidth;
  for (; b.column + kWidth <= limit; b.column += kWidth) {
    if (m > 2 * kRows) {
      UnpackedColumns<P, kVectors> unpacked;
      unpacked.unpack(b, begin, end);
      kv_runs<P, kRows, kVectors>(m, a, unpacked, begin, end, add, c.from(0, b.column));
    } else {
      kv_runs<P, kRows, kVectors>(m, a, b, begin, end, add, c.from(0, b.column));
    }
  }
}

// All columns but the last ones, which fill no vector.
template <typename P, typename Source>
void kv_product(int64_t m, Rows<const float> a, const Source& source, int64_t depth, int64_t columns, bool add,
                Rows<float> c) {
  static_assert(kDepthRun % kQ8Block == 0 && kQ8Block % P::kDepths == 0);  // what meets has one scale
  constexpr int kFewRows = 2;
  using V = typename P::Vec;
  typename P::Factors factors;
  for (int64_t i = 0; i < m; i += kKvRows) {
    const int64_t rows = at_most(m - i, kKvRows);
    for (int64_t begin = 0; begin < depth; begin += kDepthRun) {
      const int64_t end = at_most(begin + kDepthRun, depth);
      const Rows<const typename P::Factor> some = factors.convert(a.from(i, begin), rows, end - begin);
      Source b = source;
      const auto run = [&]<int kRows, int kVectors>() {
        kv_columns<P, kRows, kVectors>(rows, some, b, begin, end, columns, add || begin > 0, c.from(i, 0));
      };
      if (rows <= kFewRows) run.template operator()<kFewRows, 4>();  // enough sums that none is waited for
      run.template operator()<V::kTileRows, V::kTileVectors>();
      run.template operator()<V::kTileRows, 1>();
    }
  }
}

template <typename P>
void multiply_keys(quant::DType type, const float* q, int64_t m, int64_t dim, const std::byte* keys, int64_t count,
                   float* scores) {
  using V = typename P::Vec;
  const int64_t columns = (count + kKeyPanel - 1) / kKeyPanel * kKeyPanel;
  if (type == quant::DType::kQ8_0) {
    kv_product<P>(m, {q, dim}, Q8Keys<V>{keys, dim}, dim, columns, false, {scores, kKvTile});
  } else {
    kv_product<P>(m, {q, dim}, F16Keys<V>{keys, dim}, dim, columns, false, {scores, kKvTile});
  }
}

template <typename P>
void add_values(quant::DType type, const float* weights, int64_t m, int64_t dim, const std::byte* values, int64_t count,
                float* sums) {
  using V = typename P::Vec;
  if (type == quant::DType::kQ8_0) {
    kv_product<P>(m, {weights, kKvTile}, Q8Values<V>{values}, count, dim, true, {sums, dim});
    return;
  }
  F16Values<V> b{values, dim};
  kv_product<P>(m, {weights, kKvTile}, b, count, dim, true, {sums, dim});
  for (b.column = dim / V::kWidth * V::kWidth; b.column < dim; ++b.column) {
    for (int64_t i = 0; i < m; ++i) {
      float& sum = sums[i * dim + b.column];
      for (int64_t p = 0; p < count; ++p) sum += P::rounded(weights[i * kKvTile + p]) * P::rounded(to_f32(*b.at(p)));
    }
  }
}

template <typename V>
void store_key(quant::DType type, const float* x, int64_t dim, int64_t position, std::byte* keys) {
  const int64_t lane = position % kKeyPanel;
  std::byte* panel = keys + position / kKeyPanel * kKeyPanel * quant::row_bytes(type, dim);
  if (type == quant::DType::kQ8_0) {
    for (int64_t d = 0; d < dim; d += kQ8Block, panel += kQ8KeyBlockBytes) {
      std::byte block[kQ8BlockBytes];
      to_q8_block(x + d, block);
      std::memcpy(panel + lane * sizeof(f16), block, sizeof(f16));
      for (int i = 0; i < kQ8Block; ++i) panel[kKeyScaleBytes + i * kKeyPanel + lane] = block[sizeof(f16) + i];
    }
    return;
  }
  f16 some[kQ8Block];
  for (int64_t d = 0; d < dim; d += kQ8Block) {
    const int64_t count = at_most(dim - d, kQ8Block);
    f32_to_f16<V>(x + d, some, count);
    for (int64_t i = 0; i < count; ++i) reinterpret_cast<f16*>(panel)[(d + i) * kKeyPanel + lane] = some[i];
  }
}

template <typename V>
void store_value(quant::DType type, const float* x, int64_t dim, int64_t position, std::byte* values) {
  if (type == quant::DType::kQ8_0) {
    for (int64_t d = 0; d < dim; d += kQ8Block, values += kQ8ValueBlockBytes) {
      std::byte block[kQ8BlockBytes];
      to_q8_block(x + d, block);
      std::memcpy(values + position * sizeof(f16), block, sizeof(f16));
      std::memcpy(values + kValueScaleBytes + position * kQ8Block, block + sizeof(f16), kQ8Block);
    }
  } else {
    f32_to_f16<V>(x, reinterpret_cast<f16*>(values) + position * dim, dim);
  }
}

template <typename P>
constexpr KvTileKernels kKvTileTable = {
    .store_key = store_key<typename P::Vec>,
    .store_value = store_value<typename P::Vec>,
    .multiply_keys = multiply_keys<P>,
    .add_values = add_values<P>,
};

}  // namespace
}  // namespace patina::kernels
