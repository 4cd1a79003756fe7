#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/generic/elementwise.h"
#include "kernels/generic/q8_block.h"
#include "kernels/kv_tile.h"
#include "kernels/views.h"

// Products with tiles of a cache as kv_tile.h describes them: what is kept in few bytes becomes floats in registers, as
// it is multiplied.
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

// The same as floats in memory, for many rows: depths from `begin` on, kVectors vectors of columns.
constexpr int64_t kRun = 64;

template <typename V, int kVectors>
struct Unpacked {
  alignas(64) float numbers[kRun * kVectors * V::kWidth];
  int64_t begin;

  template <typename Source>
  void unpack(const Source& from, int64_t first, int64_t end) {
    begin = first;
    for (int v = 0; v < kVectors; ++v) {
      for (int64_t p = first; p < end;) {
        const auto scale = from.scale(p, v);
        for (const int64_t stop = std::min(end, p + kQ8Block); p < stop; ++p)
          V::store(numbers + index(p, v), from.load(p, v, scale));
      }
    }
  }
  int64_t index(int64_t p, int v) const { return ((p - begin) * kVectors + v) * V::kWidth; }
  Unscaled scale(int64_t /*p*/, int /*v*/) const { return {}; }
  typename V::F load(int64_t p, int v, Unscaled /*scale*/) const { return V::load(numbers + index(p, v)); }
};

// c(i, j) (+)= sum_p a(i, p) * b(p, j)   for i < kRows, kVectors vectors of columns and begin <= p < end. A function of
// its own: within another, g++ finds no registers for some of the addresses.
template <typename V, int kRows, int kVectors, typename Source>
[[gnu::noinline]] void kv_block(Rows<const float> a, const Source& b, int64_t begin, int64_t end, bool add,
                                Rows<float> c) {
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
    for (const int64_t stop = std::min(end, p + kQ8Block); p < stop; ++p) {
      typename V::F columns[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) columns[v] = b.load(p, v, scales[v]);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const typename V::F factor = V::set(a.data[i * a.stride + p]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[i][v] = V::fma(factor, columns[v], sums[i][v]);
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
template <typename V, int kRows, int kVectors, typename Source>
void kv_rows(int64_t rows, Rows<const float> a, const Source& b, int64_t begin, int64_t end, bool add, Rows<float> c) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return kv_rows<V, kRows - 1, kVectors>(rows, a, b, begin, end, add, c);
  }
  kv_block<V, kRows, kVectors>(a, b, begin, end, add, c);
}

// Any number of rows, in runs that are much the same.
template <typename V, int kRows, int kVectors, typename Source>
void kv_runs(int64_t m, Rows<const float> a, const Source& b, int64_t begin, int64_t end, bool add, Rows<float> c) {
  int64_t runs = (m + kRows - 1) / kRows;
  for (int64_t i = 0, count = 0; i < m; i += count, --runs) {
    count = (m - i + runs - 1) / runs;
    kv_rows<V, kRows, kVectors>(count, a.from(i, 0), b, begin, end, add, c.from(i, 0));
  }
}

// All depths.
template <typename V, int kRows, int kVectors, typename Source>
void kv_columns(int64_t m, Rows<const float> a, const Source& b, int64_t depth, bool add, Rows<float> c) {
  Unpacked<V, kVectors> unpacked;
  for (int64_t begin = 0; begin < depth; begin += kRun, add = true) {
    const int64_t end = std::min(depth, begin + kRun);
    if (m > 2 * kRows) {
      unpacked.unpack(b, begin, end);
      kv_runs<V, kRows, kVectors>(m, a, unpacked, begin, end, add, c);
    } else {
      kv_runs<V, kRows, kVectors>(m, a, b, begin, end, add, c);
    }
  }
}

// All columns but the last ones, which fill no vector; returns where these begin.
template <typename V, typename Source>
int64_t kv_product(int64_t m, Rows<const float> a, Source b, int64_t depth, int64_t columns, bool add, Rows<float> c) {
  constexpr int kFewRows = 2;
  const auto run = [&]<int kRows, int kVectors>() {
    for (; b.column + kVectors * V::kWidth <= columns; b.column += kVectors * V::kWidth) {
      kv_columns<V, kRows, kVectors>(m, a, b, depth, add, c.from(0, b.column));
    }
  };
  if (m <= kFewRows) run.template operator()<kFewRows, 4>();  // enough sums that none is waited for
  run.template operator()<V::kTileRows, V::kTileVectors>();
  run.template operator()<V::kTileRows, 1>();
  return b.column;
}

template <typename V>
void multiply_keys(quant::DType type, const float* q, int64_t m, int64_t dim, const std::byte* keys, int64_t count,
                   float* scores) {
  const int64_t columns = (count + kKeyPanel - 1) / kKeyPanel * kKeyPanel;
  if (type == quant::DType::kQ8_0) {
    kv_product<V>(m, {q, dim}, Q8Keys<V>{keys, dim}, dim, columns, false, {scores, kKvTile});
  } else {
    kv_product<V>(m, {q, dim}, F16Keys<V>{keys, dim}, dim, columns, false, {scores, kKvTile});
  }
}

template <typename V>
void add_values(quant::DType type, const float* weights, int64_t m, int64_t dim, const std::byte* values, int64_t count,
                float* sums) {
  if (type == quant::DType::kQ8_0) {
    kv_product<V>(m, {weights, kKvTile}, Q8Values<V>{values}, count, dim, true, {sums, dim});
    return;
  }
  F16Values<V> b{values, dim};
  for (b.column = kv_product<V>(m, {weights, kKvTile}, b, count, dim, true, {sums, dim}); b.column < dim; ++b.column) {
    for (int64_t i = 0; i < m; ++i) {
      float& sum = sums[i * dim + b.column];
      for (int64_t p = 0; p < count; ++p) sum += weights[i * kKvTile + p] * to_f32(*b.at(p));
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
    const int64_t count = std::min<int64_t>(kQ8Block, dim - d);
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

template <typename V>
constexpr KvTileKernels kKvTileTable = {
    .store_key = store_key<V>,
    .store_value = store_value<V>,
    .multiply_keys = multiply_keys<V>,
    .add_values = add_values<V>,
};

}  // namespace
}  // namespace patina::kernels
