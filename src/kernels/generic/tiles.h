#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/generic/bounds.h"

// Products of bf16 in tile registers: eight registers of 16 rows of 64 bytes. A tile of the left factor is
// bf16[16][32], one of the right u32[16][16] of pairs, [p][j] = {bf16 [2 p][j], bf16 [2 p + 1][j]}, and their product
// f32[16][16].
namespace patina::kernels {
namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileRowBytes = 64;
constexpr int64_t kTileBytes = kTileRows * kTileRowBytes;
constexpr int64_t kTileInner = 32;  // numbers that meet in one product
constexpr int64_t kTileNumbers = kTileRows * kTileInner;
constexpr int64_t kTileSums = kTileRows * kTileRows;
// Tiles in a row that are multiplied before sums are stored. Four rows of tiles of one factor take 32 KiB and two of
// the other 16: together the first-level cache.
constexpr int64_t kTileRun = 8;

inline int64_t whole_tiles(int64_t count, int64_t each) { return (count + each - 1) / each; }

// What TILECFG holds (Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2, LDTILECFG): all tiles
// whole.
struct TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileShapes) == kTileRowBytes);

// Tile registers for the length of a scope. `Tiles` is a level's, see amx/tiles_amx.h.
template <typename Tiles>
class ConfiguredTiles {
 public:
  ConfiguredTiles() { Tiles::configure(TileShapes()); }
  ~ConfiguredTiles() { Tiles::release(); }
  ConfiguredTiles(const ConfiguredTiles&) = delete;
  ConfiguredTiles& operator=(const ConfiguredTiles&) = delete;
};

// Where the tiles of a factor lie: groups of 16 rows, `inner` tiles each. What is multiplied at a time is together:
// runs of kTileRun tiles (the last one shorter), for each of them all groups.
struct TileLayout {
  int64_t groups;
  int64_t inner;

  int64_t bytes() const { return groups * inner * kTileBytes; }
  int64_t run_length(int64_t first) const { return at_most(inner - first, kTileRun); }
  int64_t offset(int64_t group, int64_t tile) const {
    const int64_t first = tile / kTileRun * kTileRun;
    return (first * groups + group * run_length(first) + tile - first) * kTileBytes;
  }
};

// A run of the first of some groups of a factor, and how far one group's is from the next one's, in bytes.
struct TileRun {
  const std::byte* tiles;
  int64_t stride;
};

// Sums of tiles, kTileSums floats each, of which one group of the left factor is `left` floats from the next.
struct TileSums {
  float* at;
  int64_t left;
  int64_t right;

  TileSums from(int64_t i, int64_t j) const { return {at + i * left + j * right, left, right}; }
};

// sums (i, j) (+)= left i times right j, for i < kLeft and j < kRight, over a run of `count` tiles.
template <typename Tiles, int kLeft, int kRight>
[[gnu::noinline]] void multiply_tiles(TileRun left, TileRun right, int64_t count, const TileSums& sums, bool fresh) {
  const auto each_sum = [&](const auto& f) __attribute__((always_inline)) {
    f.template operator()<0>(sums.at);
    if constexpr (kRight == 2) f.template operator()<1>(sums.at + sums.right);
    if constexpr (kLeft == 2) f.template operator()<2>(sums.at + sums.left);
    if constexpr (kLeft == 2 && kRight == 2) f.template operator()<3>(sums.at + sums.left + sums.right);
  };
  each_sum([&]<int kSum>(const float* from) __attribute__((always_inline)) {
    if (fresh) {
      Tiles::template zero<kSum>();
    } else {
      Tiles::template load<kSum>(from, kTileRowBytes);
    }
  });
  for (int64_t i = 0; i < count; ++i, left.tiles += kTileBytes, right.tiles += kTileBytes) {
    Tiles::template load<4>(left.tiles, kTileRowBytes);
    Tiles::template load<6>(right.tiles, kTileRowBytes);
    Tiles::template multiply_bf16<0, 4, 6>();
    if constexpr (kLeft == 2) {
      Tiles::template load<5>(left.tiles + left.stride, kTileRowBytes);
      Tiles::template multiply_bf16<2, 5, 6>();
    }
    if constexpr (kRight == 2) {
      Tiles::template load<7>(right.tiles + right.stride, kTileRowBytes);
      Tiles::template multiply_bf16<1, 4, 7>();
      if constexpr (kLeft == 2) Tiles::template multiply_bf16<3, 5, 7>();
    }
  }
  each_sum([&]<int kSum>(float* to) __attribute__((always_inline)) { Tiles::template store<kSum>(to, kTileRowBytes); });
}

// The same for all groups of a run, the factor with fewer of them inside: it stays in the first-level cache.
template <typename Tiles>
void multiply_groups(TileRun left, int64_t lefts, TileRun right, int64_t rights, int64_t count, const TileSums& sums,
                     bool fresh) {
  const bool left_inside = lefts < rights;
  const int64_t outside = left_inside ? rights : lefts;
  const int64_t inside = left_inside ? lefts : rights;
  for (int64_t o = 0; o < outside; o += 2) {
    for (int64_t n = 0; n < inside; n += 2) {
      const int64_t i = left_inside ? n : o;
      const int64_t j = left_inside ? o : n;
      const bool right_pair = j + 1 < rights;
      const auto product = i + 1 < lefts ? (right_pair ? multiply_tiles<Tiles, 2, 2> : multiply_tiles<Tiles, 2, 1>)
                                         : (right_pair ? multiply_tiles<Tiles, 1, 2> : multiply_tiles<Tiles, 1, 1>);
      product({left.tiles + i * left.stride, left.stride}, {right.tiles + j * right.stride, right.stride}, count,
              sums.from(i, j), fresh);
    }
  }
}

}  // namespace
}  // namespace patina::kernels
