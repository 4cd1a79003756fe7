#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/generic/bounds.h"
#include "kernels/generic/tile_weights.h"
#include "kernels/generic/tiles.h"

// The products of many tokens in tile registers: both factors are rounded to bf16, sums are f32.
//   forward   y[t][r]  =  sum_k x[t][k] W[r][k]     left x, right W, inner k
//   backward  dx[t][k] += sum_r W[r][k] dy[t][r]    left W, right dy, inner r: the sums of 16 columns for 16 tokens
// Rounding costs about 2.3e-3 of the result in the mean square, less than activations of 8 bits do. A token's result
// does not depend on the other tokens.
//
// `Level` names its vectors (Isa), its tile registers (Tiles, see amx/tiles_amx.h) and the kernels of its vectors
// (vectors()), which serve few tokens: for those, rounding weights would take longer than tiles save.
namespace patina::kernels {
namespace {

// Groups of 16 rows or columns of W whose run of tiles is rounded at a time.
constexpr int64_t kWeightGroups = 4;
// Groups that meet a run of the tokens' tiles before the next run is fetched, which may be far away: their sums and a
// run of so many tokens stay in a second-level cache.
constexpr int64_t kGroupsTogether = 16;
constexpr int64_t kTokensTogether = 512;
// The forward product leaves fewer tokens to the vectors.
constexpr int64_t kFewestForTiles = 32;

// Where a product's parts lie in `scratch`.
struct TileScratch {
  uint16_t* weights;  // [kWeightGroups][kTileRun] tiles
  float* sums;        // [kGroupsTogether][tokens / 16] tiles

  static constexpr int64_t kWeightNumbers = kTileRun * kTileNumbers;  // of a group
  static constexpr int64_t kWeightFloats = kWeightGroups * kWeightNumbers / 2;
  static_assert(kWeightFloats + kGroupsTogether * kTileRows * kTokensTogether <= kScratchFloats);
  explicit TileScratch(float* scratch) : weights(reinterpret_cast<uint16_t*>(scratch)), sums(scratch + kWeightFloats) {}

  // The tile of a group of those at hand.
  uint16_t* weight_tile(int64_t group, int64_t tile) const {
    return weights + group * kWeightNumbers + tile * kTileNumbers;
  }
  TileRun weight_run() const { return {reinterpret_cast<const std::byte*>(weights), kTileRun * kTileBytes}; }
};

inline TileLayout token_layout(int64_t m, int64_t k) { return {whole_tiles(m, kTileRows), whole_tiles(k, kTileInner)}; }

inline TileRun token_run(const std::byte* factor, const TileLayout& layout, int64_t group, int64_t tile) {
  return {factor + layout.offset(group, tile), layout.run_length(tile) * kTileBytes};
}

// Row t of x from column `first` on, up to column `end`, as a row of a left factor.
template <typename Isa>
[[gnu::always_inline]] inline void round_row(const float* row, int64_t first, int64_t end, void* to) {
  Isa::store_bf16(static_cast<uint16_t*>(to), Isa::load_some(row + first, lanes_before(first, end)),
                  Isa::load_some(row + first + kPanelRows, lanes_before(first + kPanelRows, end)));
}

template <typename Level>
int64_t tile_quantized_acts_bytes(ActsForm form, int64_t m, int64_t k) {
  return m < kFewestForTiles ? Level::vectors().quantized_acts_bytes(form, m, k) : token_layout(m, k).bytes();
}

template <typename Level>
void tile_quantize_acts(ActsForm form, Rows<const float> x, int64_t m, int64_t k, Range range, std::byte* out) {
  if (m < kFewestForTiles) return Level::vectors().quantize_acts(form, x, m, k, range, out);
  const TileLayout layout = token_layout(m, k);
  const int64_t end = range.end == m ? layout.groups * kTileRows : range.end;
  for (int64_t t = range.begin; t < end; ++t) {
    const int64_t columns = t < m ? k : 0;  // the last group is filled up with zeros
    const float* row = x.row(t < m ? t : 0);
    for (int64_t i = 0; i < layout.inner; ++i) {
      std::byte* tile = out + layout.offset(t / kTileRows, i);
      round_row<typename Level::Isa>(row, i * kTileInner, columns, tile + t % kTileRows * kTileRowBytes);
    }
  }
}

inline int64_t tile_quantized_gradients_bytes(DType /*type*/, int64_t m, int64_t rows) {
  return token_layout(m, rows).bytes();
}

template <typename Level>
void tile_quantize_gradients(DType /*type*/, Rows<const float> dy, int64_t m, int64_t rows, Range range,
                             std::byte* out) {
  using Isa = typename Level::Isa;
  const TileLayout layout = token_layout(m, rows);
  for (int64_t t = range.begin; t < range.end; t += kTileRows) {
    for (int64_t i = 0; i < layout.inner; ++i) {
      alignas(kVectorBytes) float pairs[kTileSums] = {};
      for (int64_t token = 0; token < kTileRows && t + token < m; ++token) {
        round_row<Isa>(dy.row(t + token), i * kTileInner, rows, pairs + token * kTileRows);
      }
      Isa::transpose(pairs, reinterpret_cast<float*>(out + layout.offset(t / kTileRows, i)));
    }
  }
}

// Some of a factor's tokens: `count` from number `first` on, which begins a tile.
struct TileTokens {
  const std::byte* factor;
  TileLayout layout;
  int64_t first;
  int64_t count;

  int64_t groups() const { return whole_tiles(count, kTileRows); }
  TileRun run(int64_t tile) const { return token_run(factor, layout, first / kTileRows, tile); }
};

template <typename Level, DType kType>
void forward_block(const Panels& w, Range panels, const TileTokens& tokens, const TileScratch& scratch, Rows<float> y) {
  using Isa = typename Level::Isa;
  const int64_t groups = tokens.groups();
  for (int64_t b = 0; b < tokens.layout.inner; b += kTileRun) {
    const int64_t count = tokens.layout.run_length(b);
    for (int64_t p = panels.begin; p < panels.end; p += kWeightGroups) {
      const int64_t few = at_most(panels.end - p, kWeightGroups);
      for (int64_t i = 0; i < few * count; ++i) {
        store_pairs_of_columns<Isa, kType>(w.panel(p + i / count), b + i % count,
                                           scratch.weight_tile(i / count, i % count));
      }
      const TileSums sums{scratch.sums + (p - panels.begin) * groups * kTileSums, kTileSums, groups * kTileSums};
      multiply_groups<typename Level::Tiles>(tokens.run(b), groups, scratch.weight_run(), few, count, sums, b == 0);
    }
  }
  for (int64_t p = panels.begin; p < panels.end; ++p) {
    for (int64_t t = 0; t < tokens.count; ++t) {
      const float* from = scratch.sums + ((p - panels.begin) * groups * kTileRows + t) * kPanelRows;
      Isa::store_some(y.row(tokens.first + t) + p * kPanelRows, Isa::load(from), w.lanes(p));
    }
  }
}

template <typename Level>
void tile_matmul(const PackedView& view, Range panels, const std::byte* acts, int64_t m, Rows<float> y,
                 float* scratch) {
  if (m < kFewestForTiles) return Level::vectors().matmul_rounded(view, panels, acts, m, y, scratch);
  const Panels w(view);
  const TileLayout layout = token_layout(m, w.cols);
  const ConfiguredTiles<typename Level::Tiles> configured;
  visit_quantized(view.type, [&]<DType kType>() {
    for (int64_t t = 0; t < m; t += kTokensTogether) {
      const int64_t tokens = at_most(m - t, kTokensTogether);
      for (int64_t p = panels.begin; p < panels.end; p += kGroupsTogether) {
        const int64_t end = at_most(p + kGroupsTogether, panels.end);
        forward_block<Level, kType>(w, {p, end}, {acts, layout, t, tokens}, TileScratch(scratch), y);
      }
    }
  });
}

// dx [m x columns] += sums [columns / 16][groups] of tiles [16 columns][16 tokens].
template <typename Isa>
void add_transposed(const float* sums, int64_t m, int64_t columns, Rows<float> dx) {
  alignas(kVectorBytes) float rows[kTileSums];
  for (int64_t c = 0; c < columns; c += kPanelRows) {
    for (int64_t t = 0; t < m; t += kTileRows, sums += kTileSums) {
      Isa::transpose(sums, rows);
      for (int64_t i = 0; i < kTileRows && t + i < m; ++i) {
        float* to = dx.row(t + i) + c;
        Isa::store(to, Isa::add(Isa::load(to), Isa::load(rows + i * kPanelRows)));
      }
    }
  }
}

// Columns [from, from + columns).
template <typename Level, DType kType>
void backward_block(const Panels& w, int64_t from, int64_t columns, const TileTokens& tokens,
                    const TileScratch& scratch, Rows<float> dx) {
  using Isa = typename Level::Isa;
  const int64_t groups = tokens.groups();
  for (int64_t b = 0; b < tokens.layout.inner; b += kTileRun) {
    const int64_t count = tokens.layout.run_length(b);
    for (int64_t first = 0; first < columns; first += kWeightGroups * kTileRows) {
      const int64_t few = at_most(columns - first, kWeightGroups * kTileRows);
      for (int64_t i = 0; i < few / kBlockColumns * count; ++i) {
        const int64_t block = i / count;
        const int64_t panel = 2 * (b + i % count);
        store_columns_of_rows<Isa, kType>(w.panel(panel), w.stride, panel + 1 == w.count(),
                                          (from + first) / kBlockColumns + block,
                                          scratch.weight_tile(2 * block, i % count), TileScratch::kWeightNumbers);
      }
      const TileSums sums{scratch.sums + first / kTileRows * groups * kTileSums, groups * kTileSums, kTileSums};
      multiply_groups<typename Level::Tiles>(scratch.weight_run(), few / kTileRows, tokens.run(b), groups, count, sums,
                                             b == 0);
    }
  }
  add_transposed<Isa>(scratch.sums, tokens.count, columns, dx.from(tokens.first, from));
}

template <typename Level>
void tile_matmul_backward(const PackedView& view, Range columns, const std::byte* gradients, int64_t m, Rows<float> dx,
                          float* scratch) {
  constexpr int64_t kColumns = kGroupsTogether * kTileRows;
  const Panels w(view);
  const TileLayout layout = token_layout(m, w.rows);
  const ConfiguredTiles<typename Level::Tiles> configured;
  visit_quantized(view.type, [&]<DType kType>() {
    for (int64_t from = columns.begin; from < columns.end; from += kColumns) {
      const int64_t width = at_most(columns.end - from, kColumns);
      for (int64_t t = 0; t < m; t += kTokensTogether) {
        const int64_t tokens = at_most(m - t, kTokensTogether);
        backward_block<Level, kType>(w, from, width, {gradients, layout, t, tokens}, TileScratch(scratch), dx);
      }
    }
  });
}

}  // namespace
}  // namespace patina::kernels
