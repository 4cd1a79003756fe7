#include <cstring>

#include "base/half.h"
#include "kernels/generic/q8_block.h"
#include "kernels/kv_tile.h"
#include "kernels/levels.h"

// The specification of every level: the layout as kv_tile.h states it, sums in f64, products of the numbers as they are
// or rounded to bf16.
namespace patina::kernels {
namespace {

using quant::DType;

// Where a number stands in its tile, and its scale where there is one.
struct Place {
  int64_t number;
  int64_t scale;
};

// A key's.
Place key_place(DType type, int64_t dim, int64_t position, int64_t d) {
  const int64_t panel = position / kKeyPanel * kKeyPanel * quant::row_bytes(type, dim);
  const int64_t lane = position % kKeyPanel;
  if (type == DType::kF16) return {panel + (d * kKeyPanel + lane) * 2, 0};
  const int64_t block = panel + d / kQ8Block * kKeyPanel * kQ8BlockBytes;
  return {block + kKeyPanel * 2 + d % kQ8Block * kKeyPanel + lane, block + lane * 2};
}

// A value's.
Place value_place(DType type, int64_t dim, int64_t position, int64_t d) {
  if (type == DType::kF16) return {(position * dim + d) * 2, 0};
  const int64_t block = d / kQ8Block * kKvTile * kQ8BlockBytes;
  return {block + kKvTile * 2 + position * kQ8Block + d % kQ8Block, block + position * 2};
}

float half_at(const std::byte* from) {
  f16 value;
  std::memcpy(&value, from, sizeof(value));
  return to_f32(value);
}

float number_at(DType type, const std::byte* tile, const Place& place) {
  if (type == DType::kF16) return half_at(tile + place.number);
  return half_at(tile + place.scale) * static_cast<float>(static_cast<int8_t>(tile[place.number]));
}

template <Place (*kPlace)(DType, int64_t, int64_t, int64_t)>
void store(DType type, const float* x, int64_t dim, int64_t position, std::byte* tile) {
  for (int64_t d = 0; d < dim; d += type == DType::kF16 ? 1 : kQ8Block) {
    if (type == DType::kF16) {
      const f16 value = to_f16(x[d]);
      std::memcpy(tile + kPlace(type, dim, position, d).number, &value, sizeof(value));
      continue;
    }
    std::byte block[kQ8BlockBytes];
    to_q8_block(x + d, block);
    std::memcpy(tile + kPlace(type, dim, position, d).scale, block, sizeof(f16));
    for (int i = 0; i < kQ8Block; ++i) tile[kPlace(type, dim, position, d + i).number] = block[sizeof(f16) + i];
  }
}

float as_it_is(float x) { return x; }

float rounded_to_bf16(float x) { return to_f32(to_bf16(x)); }

template <float (*kFactor)(float)>
void multiply_keys(DType type, const float* q, int64_t m, int64_t dim, const std::byte* keys, int64_t count,
                   float* scores) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t s = 0; s < count; ++s) {
      double sum = 0;
      for (int64_t d = 0; d < dim; ++d) {
        const float key = kFactor(number_at(type, keys, key_place(type, dim, s, d)));
        sum += static_cast<double>(kFactor(q[i * dim + d])) * key;
      }
      scores[i * kKvTile + s] = static_cast<float>(sum);
    }
  }
}

template <float (*kFactor)(float)>
void add_values(DType type, const float* weights, int64_t m, int64_t dim, const std::byte* values, int64_t count,
                float* sums) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t d = 0; d < dim; ++d) {
      double sum = sums[i * dim + d];
      for (int64_t s = 0; s < count; ++s) {
        const float value = kFactor(number_at(type, values, value_place(type, dim, s, d)));
        sum += static_cast<double>(kFactor(weights[i * kKvTile + s])) * value;
      }
      sums[i * dim + d] = static_cast<float>(sum);
    }
  }
}

template <float (*kFactor)(float)>
constexpr KvTileKernels kTable = {
    .store_key = store<key_place>,
    .store_value = store<value_place>,
    .multiply_keys = multiply_keys<kFactor>,
    .add_values = add_values<kFactor>,
};

}  // namespace

const KvTileKernels kKvTileScalar = kTable<as_it_is>;
const KvTileKernels kKvTileScalarBf16 = kTable<rounded_to_bf16>;

}  // namespace patina::kernels
