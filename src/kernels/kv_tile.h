#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/dtype.h"

namespace patina::kernels {

// A tile of a key-value cache holds one head's keys, or its values, at kKvTile positions one after another, `dim`
// numbers each, of type F16 or Q8_0 (`dim` is a multiple of the type's block), in kKvTile * row_bytes(type, dim) bytes:
//   keys, F16     for each kKeyPanel positions [dim][kKeyPanel], so that neighbours are of one number
//   keys, Q8_0    for each kKeyPanel positions and 32 numbers the scales [kKeyPanel], then the codes [32][kKeyPanel]
//   values, F16   [kKvTile][dim]
//   values, Q8_0  for each 32 numbers the scales [kKvTile], then the codes [kKvTile][32]
// Scales are f16, codes signed bytes, both as ggml's Q8_0 has them. Tiles begin at even addresses.
constexpr int64_t kKvTile = 64;
constexpr int64_t kKeyPanel = 16;

// One table a level. All are single-threaded; a number that they give does not depend on how many rows there are. Sums
// are f32. Products are of the numbers themselves, but in zen4's kv_tile (Kernels) both factors are rounded to bf16
// first: a product is 8e-3 off at most, a result 2.3e-3 in the mean square.
struct KvTileKernels {
  // Rounds one position's key (or value) x [dim] and puts it into its place; 0 <= position < kKvTile. Several threads
  // may store at other positions of the tile meanwhile.
  void (*store_key)(quant::DType type, const float* x, int64_t dim, int64_t position, std::byte* keys);
  void (*store_value)(quant::DType type, const float* x, int64_t dim, int64_t position, std::byte* values);

  // scores[i * kKvTile + s] = sum_d q[i * dim + d] * key_s[d]   for i < m, s < count <= kKvTile. Up to the next
  // multiple of kKeyPanel from `count` on, scores are undefined.
  void (*multiply_keys)(quant::DType type, const float* q, int64_t m, int64_t dim, const std::byte* keys, int64_t count,
                        float* scores);
  // sums[i * dim + d] += sum_s weights[i * kKvTile + s] * value_s[d]   for i < m, over s < count.
  void (*add_values)(quant::DType type, const float* weights, int64_t m, int64_t dim, const std::byte* values,
                     int64_t count, float* sums);
};

}  // namespace patina::kernels
