#include <cmath>
#include <iterator>
#include <span>
#include <tuple>
#include <utility>

#include "ops/attention_tiles.h"

// With p = softmax(scale q k^T) and the rows' dout:
//   dp = dout v^T,  ds = scale p (dp - delta),  delta = sum(dout * out) for each row and head,
//   dq = ds k,  dk = ds^T q,  dv = p^T dout.
// p is formed again from the saved logarithms of its sums. No two threads may add to the same rows: where there are key
// heads and segments for all threads, each takes some of these from end to end; else one pass goes over tiles of
// queries for dq, and one over tiles of keys for dk and dv, which forms p and dp twice. Every sum has the same order in
// both.
namespace patina::ops {

namespace {

struct Scratch {
  float* queries;   // [kQueryTile x head_dim]
  float* douts;     // [kQueryTile x head_dim]
  float* weights;   // [kQueryTile x kKeyTile]
  float* dweights;  // [kQueryTile x kKeyTile]
  float* sums;      // [kQueryTile x head_dim]

  static int64_t floats(int64_t head_dim) { return 3 * kQueryTile * head_dim + 2 * kQueryTile * kKeyTile; }
  Scratch(float* memory, int64_t head_dim)
      : queries(memory),
        douts(queries + kQueryTile * head_dim),
        weights(douts + kQueryTile * head_dim),
        dweights(weights + kQueryTile * kKeyTile),
        sums(dweights + kQueryTile * kKeyTile) {}
};

// A tile of a segment's own keys, from the position `first` on, and tiles of queries that may see it: all of this
// segment and of those that share rows with it.
struct KeyTile {
  std::span<const QueryTile> queries;
  const Segment* owner;
  int64_t first;

  // The position up to which a tile's segment has the owner's rows for keys.
  int64_t seen_by(const QueryTile& tile) const {
    if (tile.segment == owner) return owner->position + owner->count;
    return borrowed(*owner) == 0 ? borrowed(*tile.segment) : 0;
  }
};

struct KeyGradients {
  Tensor dk, dv;
};

struct AttentionState {
  Tensor q, k, v, out, lse;
  const AttentionShape& shape;
};

struct Pass {
  const Context& context;
  const AttentionState& state;
  Tensor dout;
  Tensor delta;  // [tokens x heads]

  const float* head_row(const Tensor& x, const QueryTile& tile, int64_t position) const {
    return x.row(key_row(*tile.segment, position)) + tile.kv_head * state.shape.head_dim;
  }

  // p and ds of a tile of queries, whose lines are gathered already, and the keys [first, first + count).
  void scores(const QueryTile& tile, int64_t first, int64_t count, const Scratch& scratch) const {
    const auto& vector = context.kernels.vector;
    const int64_t dim = state.shape.head_dim;
    const int64_t stride = state.k.cols();
    vector.sgemm(false, true, tile.lines(), count, dim, state.shape.scale, scratch.queries, dim,
                 head_row(state.k, tile, first), stride, 0.0F, scratch.weights, kKeyTile);
    vector.sgemm(false, true, tile.lines(), count, dim, 1.0F, scratch.douts, dim, head_row(state.v, tile, first),
                 stride, 0.0F, scratch.dweights, kKeyTile);
    for (int64_t line = 0; line < tile.lines(); ++line) {
      float* p = scratch.weights + line * kKeyTile;
      float* ds = scratch.dweights + line * kKeyTile;
      const KeyRange seen = visible_in(state.shape, tile, line, first, count);
      const int64_t row = tile.segment->begin + tile.row + line / tile.heads;
      const int64_t head = tile.head + line % tile.heads;
      vector.sum_exp(p + seen.begin, state.lse.row(row)[head], seen.end - seen.begin);
      const float mean = delta.row(row)[head];
      for (int64_t s = seen.begin; s < seen.end; ++s) ds[s] = state.shape.scale * p[s] * (ds[s] - mean);
      for (float* values : {p, ds}) {
        std::fill(values, values + seen.begin, 0.0F);
        std::fill(values + seen.end, values + count, 0.0F);
      }
    }
  }

  void gather(const QueryTile& tile, const Scratch& scratch) const {
    gather_lines(context, state.q, state.shape, tile, 1.0F, scratch.queries);
    gather_lines(context, dout, state.shape, tile, 1.0F, scratch.douts);
  }

  // One tile of queries, over all keys that it sees. With `keys` also what these get from it.
  void queries(const QueryTile& tile, const Scratch& scratch, const Tensor& dq, const KeyGradients* keys) const {
    const int64_t dim = state.shape.head_dim;
    gather(tile, scratch);
    gather_lines(context, dq, state.shape, tile, 1.0F, scratch.sums);
    const KeyRange range = visible(state.shape, tile);
    for (int64_t position = range.begin; position < range.end;) {
      const auto [first, end] = key_tile(*tile.segment, position, range.end);
      scores(tile, first, end - first, scratch);
      context.kernels.vector.sgemm(false, false, tile.lines(), dim, end - first, 1.0F, scratch.dweights, kKeyTile,
                                   head_row(state.k, tile, first), state.k.cols(), 1.0F, scratch.sums, dim);
      if (keys != nullptr) add_keys(tile, first, end - first, scratch, *keys);
      position = end;
    }
    scatter_lines(scratch.sums, state.shape, tile, dq);
  }

  // One tile of keys, under all tiles of queries that see some of it.
  void keys(const KeyTile& keys, const Scratch& scratch, const KeyGradients& gradients) const {
    for (const QueryTile& tile : keys.queries) {
      const KeyRange range = visible(state.shape, tile);
      const int64_t most = keys.seen_by(tile);
      const int64_t count = std::min({kKeyTile, most - keys.first, range.end - keys.first});
      if (count <= 0 || keys.first + kKeyTile <= range.begin) continue;
      gather(tile, scratch);
      scores(tile, keys.first, count, scratch);
      add_keys(tile, keys.first, count, scratch, gradients);
    }
  }

  // What a tile of queries, gathered and with its scores, adds to `count` keys.
  void add_keys(const QueryTile& tile, int64_t first, int64_t count, const Scratch& scratch,
                const KeyGradients& gradients) const {
    const int64_t dim = state.shape.head_dim;
    const int64_t stride = gradients.dk.cols();
    const int64_t at = key_row(*tile.segment, first) * stride + tile.kv_head * dim;
    context.kernels.vector.sgemm(true, false, count, dim, tile.lines(), 1.0F, scratch.dweights, kKeyTile,
                                 scratch.queries, dim, 1.0F, gradients.dk.data() + at, stride);
    context.kernels.vector.sgemm(true, false, count, dim, tile.lines(), 1.0F, scratch.weights, kKeyTile, scratch.douts,
                                 dim, 1.0F, gradients.dv.data() + at, stride);
  }
};

// Brings the tiles of one key head and of all segments together that begin with the same rows.
void group_tiles(std::vector<QueryTile>& tiles) {
  std::ranges::sort(tiles, {}, [](const QueryTile& tile) {
    return std::tuple(key_row(*tile.segment, 0), tile.kv_head, tile.segment->begin, tile.row, tile.head);
  });
}

// Tiles of one key head whose segments begin with the same rows.
using Group = std::span<const QueryTile>;

std::vector<Group> groups(std::span<const QueryTile> sorted) {
  std::vector<Group> result;
  for (size_t begin = 0; begin < sorted.size();) {
    const QueryTile& head = sorted[begin];
    size_t end = begin;
    while (end < sorted.size() && sorted[end].kv_head == head.kv_head &&
           key_row(*sorted[end].segment, 0) == key_row(*head.segment, 0)) {
      ++end;
    }
    result.push_back(sorted.subspan(begin, end - begin));
    begin = end;
  }
  return result;
}

std::vector<KeyTile> key_tiles(std::span<const Group> all) {
  std::vector<KeyTile> keys;
  for (const Group& group : all) {
    const Segment* before = nullptr;
    for (const QueryTile& tile : group) {
      const Segment& owner = *tile.segment;
      if (std::exchange(before, &owner) == &owner) continue;
      const int64_t end = owner.position + owner.count;
      for (int64_t first = owner.position; first < end; first += kKeyTile) keys.push_back({group, &owner, first});
    }
  }
  return keys;
}

// Whether threads that take whole groups, with five products each, are done before those that share tiles, with seven.
bool takes_groups(size_t groups, int threads) {
  const size_t size = static_cast<size_t>(threads);
  return (groups + size - 1) / size * size * 5 <= groups * 7;
}

Tensor row_deltas(const Context& context, const AttentionState& state, const Tensor& dout) {
  constexpr int64_t kChunk = 16;
  const int64_t dim = state.shape.head_dim;
  const Tensor delta = context.make(dout.rows(), state.shape.heads);
  context.parallel(dout.rows(), kChunk, 2 * dout.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t h = 0; h < state.shape.heads; ++h) {
        delta.row(t)[h] = context.kernels.vector.dot(dout.row(t) + h * dim, state.out.row(t) + h * dim, dim);
      }
    }
  });
  return delta;
}

}  // namespace

void attention_backward(Context& context, Gradients& gradients, const SavedAttention& saved) {
  const Tensor dout = gradients.take(saved.result);
  if (!dout) return;
  const AttentionState state{saved.q->restore(context),
                             saved.k->restore(context),
                             saved.v->restore(context),
                             saved.out->restore(context),
                             saved.lse,
                             saved.shape};
  const Pass pass{context, state, dout, row_deltas(context, state, dout)};
  std::vector<QueryTile> tiles;
  for (const Segment& segment : saved.segments) {
    for (const QueryTile& tile : query_tiles(state.shape, segment)) tiles.push_back(tile);
  }
  group_tiles(tiles);
  const std::vector<Group> all = groups(tiles);
  const int64_t dim = state.shape.head_dim;
  const Tensor memory = context.make(context.pool.size(), Scratch::floats(dim));
  const auto each = [&](const auto& items, const auto& f) {
    context.pool.parallel_for(std::ssize(items), 1, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) f(items[static_cast<size_t>(i)], Scratch(memory.row(worker), dim));
    });
  };
  const Tensor dq = state.q.needs_grad() ? gradients.into(state.q) : Tensor();
  // Both are formed together; what nobody wants is dropped.
  const auto target = [&](const Tensor& x) {
    return x.needs_grad() ? gradients.into(x) : context.buffers.make_zero(x.rows(), x.cols());
  };
  const bool wants_keys = state.k.needs_grad() || state.v.needs_grad();
  const KeyGradients keys = wants_keys ? KeyGradients{target(state.k), target(state.v)} : KeyGradients{};
  if (dq && wants_keys && takes_groups(all.size(), context.pool.size())) {
    return each(all, [&](const Group& group, const Scratch& scratch) {
      for (const QueryTile& tile : group) pass.queries(tile, scratch, dq, &keys);
    });
  }
  if (dq) each(tiles, [&](const QueryTile& tile, const Scratch& scratch) { pass.queries(tile, scratch, dq, nullptr); });
  if (wants_keys) {
    each(key_tiles(all), [&](const KeyTile& tile, const Scratch& scratch) { pass.keys(tile, scratch, keys); });
  }
}

}  // namespace patina::ops
