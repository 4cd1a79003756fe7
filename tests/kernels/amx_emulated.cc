#include "kernels/amx_emulated.h"

#include <array>
#include <cstring>

#include "base/half.h"
#include "kernels/generic/tile_table.h"
#include "kernels/levels.h"
#include "kernels/scalar/isa_scalar.h"

namespace patina::kernels {
namespace {

struct Tile {
  alignas(kTileRowBytes) std::array<std::array<uint8_t, kTileRowBytes>, kTileRows> rows;

  template <typename T>
  T at(size_t row, size_t column) const {
    T value;
    std::memcpy(&value, rows.at(row).data() + column * sizeof(T), sizeof(T));
    return value;
  }
  template <typename T>
  void set(size_t row, size_t column, T value) {
    std::memcpy(rows.at(row).data() + column * sizeof(T), &value, sizeof(T));
  }
};

// AmxTiles, as the manual describes its instructions (TDPBF16PS), but that sums are rounded after each product.
struct EmulatedTiles {
  static thread_local TileShapes shapes;
  static thread_local std::array<Tile, 8> tiles;

  static size_t rows(int tile) { return shapes.rows[tile]; }
  static size_t row_bytes(int tile) { return shapes.row_bytes[tile]; }

  static void configure(const TileShapes& wanted) { shapes = wanted; }
  static void release() { shapes = TileShapes{.row_bytes = {}, .rows = {}}; }

  template <int kTile>
  static void zero() {
    tiles.at(kTile) = {};
  }
  template <int kTile>
  static void load(const void* from, int64_t stride) {
    zero<kTile>();
    for (size_t row = 0; row < rows(kTile); ++row) {
      std::memcpy(&tiles.at(kTile).rows.at(row), static_cast<const uint8_t*>(from) + static_cast<int64_t>(row) * stride,
                  row_bytes(kTile));
    }
  }
  template <int kTile>
  static void store(void* to, int64_t stride) {
    for (size_t row = 0; row < rows(kTile); ++row) {
      std::memcpy(static_cast<uint8_t*>(to) + static_cast<int64_t>(row) * stride, &tiles.at(kTile).rows.at(row),
                  row_bytes(kTile));
    }
  }
  template <int kSum, int kLeft, int kRight>
  static void multiply_bf16() {
    const Tile& left = tiles.at(kLeft);
    const Tile& right = tiles.at(kRight);
    for (size_t i = 0; i < rows(kSum); ++i) {
      for (size_t j = 0; j < row_bytes(kSum) / 4; ++j) {
        auto sum = tiles.at(kSum).at<float>(i, j);
        for (size_t k = 0; k < row_bytes(kLeft) / 2; ++k) {
          sum += to_f32(left.at<bf16>(i, k)) * to_f32(right.at<bf16>(k / 2, 2 * j + k % 2));
        }
        tiles.at(kSum).set(i, j, sum);
      }
    }
  }
};

thread_local TileShapes EmulatedTiles::shapes;
thread_local std::array<Tile, 8> EmulatedTiles::tiles;

struct EmulatedIsa : ScalarIsa {
  static void store_bf16(uint16_t* to, Floats first, Floats second) {
    std::array<bf16, size_t{2} * kPanelRows> numbers;
    for (size_t r = 0; r < kPanelRows; ++r) {
      numbers.at(r) = to_bf16(first.lane[r]);
      numbers.at(kPanelRows + r) = to_bf16(second.lane[r]);
    }
    std::memcpy(to, numbers.data(), sizeof(numbers));
  }
  static void store_bf16_pairs(uint16_t* to, Floats first, Floats second) {
    std::array<bf16, size_t{2} * kPanelRows> numbers;
    for (size_t r = 0; r < kPanelRows; ++r) {
      numbers.at(2 * r) = to_bf16(first.lane[r]);
      numbers.at(2 * r + 1) = to_bf16(second.lane[r]);
    }
    std::memcpy(to, numbers.data(), sizeof(numbers));
  }
};

struct Emulated {
  using Isa = EmulatedIsa;
  using Tiles = EmulatedTiles;
  static const MatmulKernels& vectors() { return kMatmulScalar; }
};

}  // namespace

namespace testing {

const MatmulKernels kMatmulAmxEmulated = kTileTable<Emulated>;

void emulated_multiply_bf16(float (&sums)[256], const uint16_t (&left)[512], const uint16_t (&right)[512]) {
  const ConfiguredTiles<EmulatedTiles> configured;
  EmulatedTiles::load<0>(sums, kTileRowBytes);
  EmulatedTiles::load<1>(left, kTileRowBytes);
  EmulatedTiles::load<2>(right, kTileRowBytes);
  EmulatedTiles::multiply_bf16<0, 1, 2>();
  EmulatedTiles::store<0>(sums, kTileRowBytes);
}

}  // namespace testing
}  // namespace patina::kernels
