#include "ops/attention.h"

#include <cmath>
#include <limits>

#include "kernels/prefetch.h"
#include "ops/attention_tiles.h"
#include "platform/huge_buffer.h"

namespace patina::ops {

namespace {

// What one worker needs for a tile.
struct Scratch {
  float* queries;  // [kQueryTile x head_dim]
  float* sums;     // [kQueryTile x head_dim]
  float* scores;   // [kQueryTile x kKeyTile]
  float* largest;  // [kQueryTile]
  float* total;    // [kQueryTile]

  static int64_t floats(int64_t head_dim) { return 2 * kQueryTile * head_dim + kQueryTile * kKeyTile + 2 * kQueryTile; }
  Scratch(float* memory, int64_t head_dim)
      : queries(memory),
        sums(queries + kQueryTile * head_dim),
        scores(sums + kQueryTile * head_dim),
        largest(scores + kQueryTile * kKeyTile),
        total(largest + kQueryTile) {}
};

// Whether a segment's few rows are worked on in pieces of the cache; see SplitTile.
bool is_split(const Segment& segment) { return !segment.cache.blocks.empty() && segment.count <= kFewRows; }

// Where the cache holds the tile of one head that `position` is in.
std::byte* cached_tile(const Segment& segment, const KvTiles& cached, const AttentionShape& shape, int64_t kv_head,
                       int64_t position) {
  std::byte* block = segment.cache.blocks[static_cast<size_t>(position / kKvBlockTokens)];
  return block + cached.offset + kv_head * kKvBlockTokens * quant::row_bytes(cached.type, shape.head_dim);
}

// Asks for the tile at `position`, which is read soon: too short a run for the processor to foresee. Positions from
// `end` on are not filled.
void fetch_tile(const Segment& segment, const KvTiles& cached, const AttentionShape& shape, int64_t kv_head,
                int64_t position, int64_t end) {
  if (position >= end) return;
  const std::byte* tile = cached_tile(segment, cached, shape, kv_head, position);
  const int64_t count = std::min(end - position + kernels::kKeyPanel - 1, kKvBlockTokens);  // whole panels at least
  const auto bytes = static_cast<size_t>(count * quant::row_bytes(cached.type, shape.head_dim));
  for (size_t i = 0; i < bytes; i += platform::kCacheLineBytes) {
    __builtin_prefetch(tile + i, 0, kernels::locality(2));
  }
}

// Scores of one tile of keys to weights relative to the running maximum, in place; rescales the sums so far where the
// maximum has grown.
void update_softmax(const Context& context, const AttentionShape& shape, const QueryTile& tile, int64_t first,
                    int64_t count, const Scratch& scratch) {
  const auto& vector = context.kernels.vector;
  for (int64_t line = 0; line < tile.lines(); ++line) {
    float* scores = scratch.scores + line * kKeyTile;
    const KeyRange seen = visible_in(shape, tile, line, first, count);
    std::fill(scores, scores + seen.begin, 0.0F);
    std::fill(scores + seen.end, scores + count, 0.0F);
    if (seen.begin == seen.end) continue;
    const float before = scratch.largest[line];
    const float largest = std::max(before, vector.max(scores + seen.begin, seen.end - seen.begin));
    const float fade = std::exp(before - largest);
    scratch.largest[line] = largest;
    scratch.total[line] =
        scratch.total[line] * fade + vector.sum_exp(scores + seen.begin, largest, seen.end - seen.begin);
    float* sums = scratch.sums + line * shape.head_dim;
    if (fade != 1.0F) vector.scale(fade, sums, sums, shape.head_dim);
  }
}

// What the attention of some rows reads and writes.
struct Pass {
  const Context& context;
  const Tensor& q;
  const Tensor& k;
  const Tensor& v;
  const AttentionShape& shape;
  const Tensor& out;
  const Tensor& lse;  // empty unless recording
};

const kernels::KvTileKernels& products_with_tiles(const Context& context) {
  return context.precise ? context.kernels.kv_tile_f32 : context.kernels.kv_tile;
}

// Scores of the keys [first, first + count), all of one tile.
void multiply_keys(const Pass& pass, const QueryTile& tile, int64_t first, int64_t count, const Scratch& scratch) {
  const auto& [context, q, k, v, shape, out, lse] = pass;
  const Segment& segment = *tile.segment;
  const int64_t dim = shape.head_dim;
  if (segment.cache.blocks.empty()) {
    context.kernels.vector.sgemm(false, true, tile.lines(), count, dim, 1.0F, scratch.queries, dim,
                                 k.row(key_row(segment, first)) + tile.kv_head * dim, k.cols(), 0.0F, scratch.scores,
                                 kKeyTile);
    return;
  }
  const KvTiles& keys = segment.cache.keys;
  products_with_tiles(context).multiply_keys(keys.type, scratch.queries, tile.lines(), dim,
                                             cached_tile(segment, keys, shape, tile.kv_head, first), count,
                                             scratch.scores);
}

// Adds the values of these keys to the sums, weighted with what has become of the scores.
void add_values(const Pass& pass, const QueryTile& tile, int64_t first, int64_t count, const Scratch& scratch) {
  const auto& [context, q, k, v, shape, out, lse] = pass;
  const Segment& segment = *tile.segment;
  const int64_t dim = shape.head_dim;
  if (segment.cache.blocks.empty()) {
    context.kernels.vector.sgemm(false, false, tile.lines(), dim, count, 1.0F, scratch.scores, kKeyTile,
                                 v.row(key_row(segment, first)) + tile.kv_head * dim, v.cols(), 1.0F, scratch.sums,
                                 dim);
    return;
  }
  const KvTiles& values = segment.cache.values;
  products_with_tiles(context).add_values(values.type, scratch.scores, tile.lines(), dim,
                                          cached_tile(segment, values, shape, tile.kv_head, first), count,
                                          scratch.sums);
}

// Leaves in `scratch` the sums of the values of the keys in `range`, weighted relative to the largest score, with the
// sum of the weights.
void attend(const Pass& pass, const QueryTile& tile, KeyRange range, const Scratch& scratch) {
  const auto& [context, q, k, v, shape, out, lse] = pass;
  const int64_t lines = tile.lines();
  gather_lines(context, q, shape, tile, shape.scale, scratch.queries);
  std::fill_n(scratch.sums, lines * shape.head_dim, 0.0F);
  std::fill_n(scratch.largest, lines, -std::numeric_limits<float>::infinity());
  std::fill_n(scratch.total, lines, 0.0F);
  const Segment& segment = *tile.segment;
  for (int64_t position = range.begin; position < range.end;) {
    const auto [first, end] = key_tile(segment, position, range.end);
    if (is_split(segment)) fetch_tile(segment, segment.cache.values, shape, tile.kv_head, first, end);
    multiply_keys(pass, tile, first, end - first, scratch);
    if (is_split(segment)) {
      fetch_tile(segment, segment.cache.keys, shape, tile.kv_head, end, segment.position + segment.count);
    }
    update_softmax(context, shape, tile, first, end - first, scratch);
    add_values(pass, tile, first, end - first, scratch);
    position = end;
  }
}

// The whole of a tile.
void attend(const Pass& pass, const QueryTile& tile, const Scratch& scratch) {
  const int64_t dim = pass.shape.head_dim;
  attend(pass, tile, visible(pass.shape, tile), scratch);
  for (int64_t line = 0; line < tile.lines(); ++line) {
    float* sums = scratch.sums + line * dim;
    pass.context.kernels.vector.scale(1.0F / scratch.total[line], sums, sums, dim);
    if (!pass.lse) continue;
    pass.lse.row(tile.segment->begin + tile.row + line / tile.heads)[tile.head + line % tile.heads] =
        scratch.largest[line] + std::log(scratch.total[line]);
  }
  scatter_lines(scratch.sums, pass.shape, tile, pass.out);
}

// A tile of few rows whose keys are worked on in pieces, so that a long context keeps all threads busy. Pieces begin at
// fixed positions: what a row gives depends neither on the other rows nor on the threads.
struct SplitTile {
  static constexpr int64_t kPieceKeys = 2 * kKeyTile;

  QueryTile tile;
  KeyRange seen;
  Tensor results;  // [pieces * lines x head_dim + 2]: of each line sums, largest and total

  int64_t first_piece() const { return seen.begin / kPieceKeys; }
  int64_t pieces() const { return (seen.end + kPieceKeys - 1) / kPieceKeys - first_piece(); }
  KeyRange piece(int64_t index) const {
    const int64_t begin = (first_piece() + index) * kPieceKeys;
    return {std::max(seen.begin, begin), std::min(seen.end, begin + kPieceKeys)};
  }
  float* result(int64_t piece, int64_t line) const { return results.row(piece * tile.lines() + line); }
};

void attend_piece(const Pass& pass, const SplitTile& split, int64_t piece, const Scratch& scratch) {
  const int64_t dim = pass.shape.head_dim;
  attend(pass, split.tile, split.piece(piece), scratch);
  for (int64_t line = 0; line < split.tile.lines(); ++line) {
    float* result = split.result(piece, line);
    std::copy_n(scratch.sums + line * dim, dim, result);
    result[dim] = scratch.largest[line];
    result[dim + 1] = scratch.total[line];
  }
}

void join_pieces(const Pass& pass, const SplitTile& split, const Scratch& scratch) {
  const auto& vector = pass.context.kernels.vector;
  const int64_t dim = pass.shape.head_dim;
  for (int64_t line = 0; line < split.tile.lines(); ++line) {
    float largest = -std::numeric_limits<float>::infinity();
    for (int64_t piece = 0; piece < split.pieces(); ++piece) {
      largest = std::max(largest, split.result(piece, line)[dim]);
    }
    float* sums = scratch.sums + line * dim;
    std::fill_n(sums, dim, 0.0F);
    float total = 0;
    for (int64_t piece = 0; piece < split.pieces(); ++piece) {
      const float* result = split.result(piece, line);
      if (result[dim + 1] == 0) continue;  // the row sees nothing of this piece
      const float weight = std::exp(result[dim] - largest);
      total += weight * result[dim + 1];
      vector.axpy(weight, result, sums, dim);
    }
    vector.scale(1.0F / total, sums, sums, dim);
  }
  scatter_lines(scratch.sums, pass.shape, split.tile, pass.out);
}

std::vector<SplitTile> split_tiles(const Pass& pass, std::span<const Segment> segments) {
  const int64_t group = pass.shape.heads / pass.shape.kv_heads;
  const int64_t heads = heads_together(pass.shape);
  std::vector<SplitTile> tiles;
  for (const Segment& segment : segments) {
    if (!is_split(segment)) continue;
    const int64_t count = std::max<int64_t>(1, std::min(segment.count, kQueryTile / heads));
    for (int64_t row = 0; row < segment.count; row += count) {
      for (int64_t head = 0; head < pass.shape.heads; head += heads) {
        const QueryTile tile{&segment, head / group, head, heads, row, std::min(count, segment.count - row)};
        SplitTile& split = tiles.emplace_back(SplitTile{tile, visible(pass.shape, tile), {}});
        split.results = pass.context.make(split.pieces() * tile.lines(), pass.shape.head_dim + 2);
      }
    }
  }
  return tiles;
}

// Rows of k or v to where the cache holds them.
void store_rows(const Tensor& x, const Segment& segment, const KvTiles& cached, const AttentionShape& shape,
                decltype(kernels::KvTileKernels::store_key) put, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end; ++t) {
    const int64_t position = segment.position + t;
    for (int64_t head = 0; head < shape.kv_heads; ++head) {
      put(cached.type, x.row(segment.begin + t) + head * shape.head_dim, shape.head_dim, position % kKvBlockTokens,
          cached_tile(segment, cached, shape, head, position));
    }
  }
}

void store(const Context& context, const Tensor& k, const Tensor& v, const AttentionShape& shape,
           std::span<const Segment> segments) {
  constexpr int64_t kChunk = kernels::kKeyPanel;
  const kernels::KvTileKernels& tiles = context.kernels.kv_tile;
  for (const Segment& segment : segments) {
    if (segment.cache.blocks.empty()) continue;
    const int64_t before = segment.position % kChunk;  // a panel's lines are written by one thread
    context.parallel(before + segment.count, kChunk, segment.count * k.cols() * 2,
                     [&](int64_t begin, int64_t end, int /*worker*/) {
                       const int64_t first = std::max<int64_t>(0, begin - before);
                       store_rows(k, segment, segment.cache.keys, shape, tiles.store_key, first, end - before);
                       store_rows(v, segment, segment.cache.values, shape, tiles.store_value, first, end - before);
                     });
  }
}

// About the arithmetic of a segment's rows with the keys they see.
int64_t work_of(const Pass& pass, const Segment& segment) {
  return segment.count * (segment.position + segment.count) * pass.q.cols();
}

void attend_tiles(const Pass& pass, std::span<const Segment> segments, const Tensor& memory) {
  std::vector<QueryTile> tiles;
  int64_t work = 0;
  for (const Segment& segment : segments) {
    if (is_split(segment)) continue;
    work += work_of(pass, segment);
    for (const QueryTile& tile : query_tiles(pass.shape, segment)) tiles.push_back(tile);
  }
  pass.context.parallel(static_cast<int64_t>(tiles.size()), 1, work, [&](int64_t begin, int64_t end, int worker) {
    const Scratch scratch(memory.row(worker), pass.shape.head_dim);
    for (int64_t i = begin; i < end; ++i) attend(pass, tiles[static_cast<size_t>(i)], scratch);
  });
}

void attend_split_tiles(const Pass& pass, std::span<const Segment> segments, const Tensor& memory) {
  const std::vector<SplitTile> tiles = split_tiles(pass, segments);
  struct Piece {
    const SplitTile* split;
    int64_t index;
  };
  std::vector<Piece> pieces;
  int64_t work = 0;
  for (const SplitTile& split : tiles) {
    for (int64_t i = 0; i < split.pieces(); ++i) pieces.push_back({&split, i});
    work += split.tile.lines() * (split.seen.end - split.seen.begin) * pass.shape.head_dim;
  }
  pass.context.parallel(static_cast<int64_t>(pieces.size()), 1, work, [&](int64_t begin, int64_t end, int worker) {
    const Scratch scratch(memory.row(worker), pass.shape.head_dim);
    for (int64_t i = begin; i < end; ++i) {
      attend_piece(pass, *pieces[static_cast<size_t>(i)].split, pieces[static_cast<size_t>(i)].index, scratch);
    }
  });
  const int64_t joins = static_cast<int64_t>(tiles.size());
  pass.context.parallel(joins, 1, work / SplitTile::kPieceKeys, [&](int64_t begin, int64_t end, int worker) {
    const Scratch scratch(memory.row(worker), pass.shape.head_dim);
    for (int64_t i = begin; i < end; ++i) join_pieces(pass, tiles[static_cast<size_t>(i)], scratch);
  });
}

}  // namespace

int64_t heads_together(const AttentionShape& shape) {
  int64_t heads = shape.heads / shape.kv_heads;
  while (heads > kQueryTile) heads = heads % 2 == 0 ? heads / 2 : 1;
  return heads;
}

std::vector<QueryTile> query_tiles(const AttentionShape& shape, const Segment& segment) {
  const auto rows_with = [](int64_t heads) { return std::max<int64_t>(1, kQueryTile / heads); };
  const auto tiles_with = [&](int64_t heads) {
    return (segment.count + rows_with(heads) - 1) / rows_with(heads) * (shape.heads / heads);
  };
  // Heads that share keys go together, unless that leaves threads without work; splitting them makes more tiles only
  // where there are fewer rows than a tile holds.
  const int64_t group = shape.heads / shape.kv_heads;
  int64_t heads = heads_together(shape);
  while (heads % 2 == 0 && tiles_with(heads) < kEnoughTiles && tiles_with(heads / 2) > tiles_with(heads)) heads /= 2;
  const int64_t count = rows_with(heads);
  std::vector<QueryTile> tiles;
  for (int64_t row = 0; row < segment.count; row += count) {
    for (int64_t head = 0; head < shape.heads; head += heads) {
      tiles.push_back({&segment, head / group, head, heads, row, std::min(count, segment.count - row)});
    }
  }
  return tiles;
}

void gather_lines(const Context& context, const Tensor& x, const AttentionShape& shape, const QueryTile& tile,
                  float scale, float* out) {
  const int64_t width = tile.heads * shape.head_dim;
  for (int64_t i = 0; i < tile.count; ++i) {
    const float* row = x.row(tile.segment->begin + tile.row + i) + tile.head * shape.head_dim;
    context.kernels.vector.scale(scale, row, out + i * width, width);
  }
}

void scatter_lines(const float* lines, const AttentionShape& shape, const QueryTile& tile, const Tensor& x) {
  const int64_t width = tile.heads * shape.head_dim;
  for (int64_t i = 0; i < tile.count; ++i) {
    std::copy_n(lines + i * width, width, x.row(tile.segment->begin + tile.row + i) + tile.head * shape.head_dim);
  }
}

Tensor attention(Context& context, const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape,
                 std::span<const Segment> segments) {
  store(context, k, v, shape, segments);
  Tensor out = context.make(q.rows(), q.cols());
  out.set_needs_grad(q.needs_grad() || k.needs_grad() || v.needs_grad());
  const bool records = context.records(out);
  const Tensor lse = records ? context.make(q.rows(), shape.heads) : Tensor();
  const Tensor memory = context.make(context.pool.size(), Scratch::floats(shape.head_dim));
  const Pass pass{context, q, k, v, shape, out, lse};
  attend_tiles(pass, segments, memory);
  attend_split_tiles(pass, segments, memory);
  if (!records) return out;
  Recorder& recorder = *context.recorder;
  SavedAttention saved{recorder.save(context, q),
                       recorder.save(context, k),
                       recorder.save(context, v),
                       recorder.save(context, out),
                       out,
                       lse,
                       shape,
                       {segments.begin(), segments.end()}};
  recorder.record(out, [saved = std::move(saved)](Context& ctx, Gradients& gradients) {
    attention_backward(ctx, gradients, saved);
  });
  return out;
}

}  // namespace patina::ops
