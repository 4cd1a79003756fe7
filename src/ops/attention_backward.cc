#include <cmath>
#include <tuple>

#include "ops/attention_tiles.h"

// With p = softmax(scale q k^T) and the rows' dout:
//   dp = dout v^T,  ds = scale p (dp - delta),  delta = sum(dout * out) for each row and head,
//   dq = ds k,  dk = ds^T q,  dv = p^T dout.
// p is formed again from the saved logarithms of its sums. One pass goes over tiles of queries for dq, one over tiles
// of keys for dk and dv, so that no two threads add to the same rows and every sum has a fixed order.
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

  void queries(const QueryTile& tile, const Scratch& scratch, const Tensor& dq) const {
    const int64_t dim = state.shape.head_dim;
    gather(tile, scratch);
    gather_lines(context, dq, state.shape, tile, 1.0F, scratch.sums);
    const KeyRange range = visible(state.shape, tile);
    for (int64_t position = range.begin; position < range.end;) {
      const auto [first, end] = key_tile(*tile.segment, position, range.end);
      scores(tile, first, end - first, scratch);
      context.kernels.vector.sgemm(false, false, tile.lines(), dim, end - first, 1.0F, scratch.dweights, kKeyTile,
                                   head_row(state.k, tile, first), state.k.cols(), 1.0F, scratch.sums, dim);
      position = end;
    }
    scatter_lines(scratch.sums, state.shape, tile, dq);
  }

  // One tile of keys, under all tiles of queries that see some of it.
  void keys(const KeyTile& keys, const Scratch& scratch, const Tensor& dk, const Tensor& dv) const {
    const int64_t dim = state.shape.head_dim;
    for (const QueryTile& tile : keys.queries) {
      const KeyRange range = visible(state.shape, tile);
      const int64_t most = keys.seen_by(tile);
      const int64_t count = std::min({kKeyTile, most - keys.first, range.end - keys.first});
      if (count <= 0 || keys.first + kKeyTile <= range.begin) continue;
      gather(tile, scratch);
      scores(tile, keys.first, count, scratch);
      const int64_t at = key_row(*tile.segment, keys.first) * dk.cols() + tile.kv_head * dim;
      context.kernels.vector.sgemm(true, false, count, dim, tile.lines(), 1.0F, scratch.dweights, kKeyTile,
                                   scratch.queries, dim, 1.0F, dk.data() + at, dk.cols());
      context.kernels.vector.sgemm(true, false, count, dim, tile.lines(), 1.0F, scratch.weights, kKeyTile,
                                   scratch.douts, dim, 1.0F, dv.data() + at, dv.cols());
    }
  }
};

// Brings the tiles of one key head and of all segments together that begin with the same rows.
void group_tiles(std::vector<QueryTile>& tiles) {
  std::ranges::sort(tiles, {}, [](const QueryTile& tile) {
    return std::tuple(key_row(*tile.segment, 0), tile.kv_head, tile.segment->begin, tile.row, tile.head);
  });
}

std::vector<KeyTile> key_tiles(std::span<const QueryTile> grouped) {
  std::vector<KeyTile> keys;
  for (size_t begin = 0; begin < grouped.size();) {
    const auto in_group = [&](const QueryTile& tile) {
      return key_row(*tile.segment, 0) == key_row(*grouped[begin].segment, 0) && tile.kv_head == grouped[begin].kv_head;
    };
    size_t end = begin;
    while (end < grouped.size() && in_group(grouped[end])) ++end;
    for (size_t i = begin; i < end; ++i) {
      const Segment& owner = *grouped[i].segment;
      if (i > begin && grouped[i - 1].segment == &owner) continue;
      const int64_t all = owner.position + owner.count;
      for (int64_t first = owner.position; first < all; first += kKeyTile) {
        keys.push_back({grouped.subspan(begin, end - begin), &owner, first});
      }
    }
    begin = end;
  }
  return keys;
}

Tensor row_deltas(const Context& context, const AttentionState& state, const Tensor& dout) {
  const int64_t dim = state.shape.head_dim;
  const Tensor delta = context.make(dout.rows(), state.shape.heads);
  for (int64_t t = 0; t < dout.rows(); ++t) {
    for (int64_t h = 0; h < state.shape.heads; ++h) {
      delta.row(t)[h] = context.kernels.vector.dot(dout.row(t) + h * dim, state.out.row(t) + h * dim, dim);
    }
  }
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
  const int64_t dim = state.shape.head_dim;
  const Tensor memory = context.make(context.pool.size(), Scratch::floats(dim));
  if (state.q.needs_grad()) {
    const Tensor dq = gradients.into(state.q);
    context.pool.parallel_for(static_cast<int64_t>(tiles.size()), 1, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) {
        pass.queries(tiles[static_cast<size_t>(i)], Scratch(memory.row(worker), dim), dq);
      }
    });
  }
  if (!state.k.needs_grad() && !state.v.needs_grad()) return;
  // Both are formed together; what nobody wants is dropped.
  const auto target = [&](const Tensor& x) {
    return x.needs_grad() ? gradients.into(x) : context.buffers.make_zero(x.rows(), x.cols());
  };
  const Tensor dk = target(state.k);
  const Tensor dv = target(state.v);
  const std::vector<KeyTile> keys = key_tiles(tiles);
  context.pool.parallel_for(static_cast<int64_t>(keys.size()), 1, [&](int64_t begin, int64_t end, int worker) {
    for (int64_t i = begin; i < end; ++i) {
      pass.keys(keys[static_cast<size_t>(i)], Scratch(memory.row(worker), dim), dk, dv);
    }
  });
}

}  // namespace patina::ops
