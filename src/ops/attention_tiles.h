#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/attention.h"

// What attention and its backward share: which rows and keys are worked on together, and how scores are masked.
// Internal to this folder.
namespace patina::ops {

constexpr int64_t kKeyTile = kKvBlockTokens;
// Rows of scores in one tile: a few heads of a few tokens, so that queries, keys, values and sums of heads of 256
// elements (at most 4 x 64 KiB) stay in a second-level cache of 512 KiB.
constexpr int64_t kQueryTile = 64;

// How many tiles of a segment there should be at least: a constant, so that sums do not depend on the threads.
constexpr int64_t kEnoughTiles = 16;

// Rows [row, row + count) of a segment, for the query heads [head, head + heads), which all read kv_head. A tile's line
// (t - row) * heads + (h - head) belongs to row t and head h.
struct QueryTile {
  const Segment* segment;
  int64_t kv_head;
  int64_t head;
  int64_t heads;
  int64_t row;
  int64_t count;

  int64_t lines() const { return count * heads; }
  int64_t position(int64_t line) const { return segment->position + row + line / heads; }
};

// The positions [begin, end) that a row at `position` sees.
struct KeyRange {
  int64_t begin;
  int64_t end;
};

inline KeyRange visible(const AttentionShape& shape, int64_t position) {
  return {shape.window > 0 ? std::max<int64_t>(0, position + 1 - shape.window) : 0, position + 1};
}

// How many of the keys that a segment sees are another's rows: the first ones.
inline int64_t borrowed(const Segment& segment) { return segment.cache.blocks.empty() ? segment.position : 0; }

// The batch's row that holds the keys of a position, for a segment without blocks.
inline int64_t key_row(const Segment& segment, int64_t position) {
  const int64_t others = borrowed(segment);
  return position < others ? segment.shared + position : segment.begin + position - others;
}

// The tile of keys before `end` that holds `position`. Tiles begin at fixed positions, and all rows of one follow one
// another: a segment's own keys and those that it borrows are never in the same.
inline KeyRange key_tile(const Segment& segment, int64_t position, int64_t end) {
  const int64_t others = borrowed(segment);
  const int64_t base = position < others ? 0 : others;
  const int64_t first = base + (position - base) / kKeyTile * kKeyTile;
  return {first, std::min({first + kKeyTile, first < others ? others : end, end})};
}

// All positions that some row of the tile sees.
inline KeyRange visible(const AttentionShape& shape, const QueryTile& tile) {
  return {visible(shape, tile.position(0)).begin, visible(shape, tile.position(tile.lines() - 1)).end};
}

// What row `line` sees of the keys [first, first + count), counted from `first`; begin == end when nothing.
inline KeyRange visible_in(const AttentionShape& shape, const QueryTile& tile, int64_t line, int64_t first,
                           int64_t count) {
  const KeyRange all = visible(shape, tile.position(line));
  const int64_t begin = std::clamp<int64_t>(all.begin - first, 0, count);
  return {begin, std::clamp<int64_t>(all.end - first, begin, count)};
}

// How many heads of those that share keys fit into a tile.
int64_t heads_together(const AttentionShape& shape);

// All rows and heads of a segment in tiles; at least kEnoughTiles of them if there are as many heads and rows.
std::vector<QueryTile> query_tiles(const AttentionShape& shape, const Segment& segment);

// Lines of a tile to out [lines x head_dim] from x [tokens x heads * head_dim], times `scale`; and back.
void gather_lines(const Context& context, const Tensor& x, const AttentionShape& shape, const QueryTile& tile,
                  float scale, float* out);
void scatter_lines(const float* lines, const AttentionShape& shape, const QueryTile& tile, const Tensor& x);

// The backward of attention without cache, given lse [tokens x heads], the logarithm of each softmax's sum.
struct SavedAttention {
  std::shared_ptr<const Saved> q, k, v, out;
  Outline result;
  Tensor lse;
  AttentionShape shape;
  std::vector<Segment> segments;
};
void attention_backward(Context& context, Gradients& gradients, const SavedAttention& saved);

}  // namespace patina::ops
