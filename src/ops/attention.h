#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ops/context.h"
#include "quant/dtype.h"

namespace patina::ops {

// Positions in one block of a key-value cache.
constexpr int64_t kKvBlockTokens = kernels::kKvTile;

// One layer's keys or its values in every block of a cache: a tile for each kv_head (kernels/kv_tile.h), the first
// `offset` bytes from a block's start.
struct KvTiles {
  int64_t offset = 0;
  quant::DType type = quant::DType::kF16;
};

// One sequence's cache at one layer. Block i holds the positions from i * kKvBlockTokens on.
struct KvLayer {
  std::span<std::byte* const> blocks;
  KvTiles keys;
  KvTiles values;
};

// Rows of a batch that belong to one sequence: rows [begin, begin + count) stand at the positions from `position` on.
// With blocks (enough for all its positions), the rows' keys and values are stored there and earlier positions are
// attended to as well. Without, the segment is a sequence of its own; it sees only itself and, where `position` is
// not 0, what it begins with: as many rows from `shared` on, the first ones of a segment that begins with none itself.
struct Segment {
  int64_t begin = 0;
  int64_t count = 0;
  int64_t position = 0;
  KvLayer cache;
  int64_t shared = 0;
};

struct AttentionShape {
  int64_t heads;
  int64_t kv_heads;  // divides heads: query head h reads key head h / (heads / kv_heads)
  int64_t head_dim;
  float scale;         // of the products of queries and keys
  int64_t window = 0;  // how many positions a row sees, itself included; 0: all up to itself
};

// out[t, h] = sum_s softmax_s(scale q[t, h] . k[s, h']) v[s, h']  over the positions s that row t sees,
// for q [tokens x heads * head_dim], k and v [tokens x kv_heads * head_dim], all rotated already; segments cover all
// rows. Tile by tile with a running maximum and sum (Dao, 2023, "FlashAttention-2"): no matrix of scores exists.
// Segments with blocks cannot be recorded. Sums have an order that depends neither on the number of threads nor on
// other segments; up to kFewRows rows of a segment with blocks are split over their keys.
Tensor attention(Context& context, const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape,
                 std::span<const Segment> segments);

}  // namespace patina::ops
