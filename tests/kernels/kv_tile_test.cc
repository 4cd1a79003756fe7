#include "kernels/kv_tile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"
#include "kernels/dispatch.h"
#include "kernels/kv_tile_compare.h"
#include "kernels/levels.h"

// The scalar level against the formulas, every other level against scalar.
namespace patina::kernels {
namespace {

using quant::DType;
using testing::Floats;

class KvTileLevel : public ::testing::TestWithParam<Level> {};

INSTANTIATE_TEST_SUITE_P(Levels, KvTileLevel, ::testing::ValuesIn(available_levels()),
                         [](const auto& param) { return std::string(kernels_for(param.param).name); });

TEST_P(KvTileLevel, AgreesWithScalar) {
  if (GetParam() == Level::kScalar) GTEST_SKIP() << "it is the reference";
  const Kernels& level = kernels_for(GetParam());
  const bool rounds = GetParam() == Level::kZen4;
  EXPECT_THAT(testing::KvTileCompare(level.kv_tile, rounds ? kKvTileScalarBf16 : kKvTileScalar).differences(),
              ::testing::IsEmpty());
  EXPECT_THAT(testing::KvTileCompare(level.kv_tile_f32, kKvTileScalar).differences(), ::testing::IsEmpty());
}

// Rows of numbers in a tile, stored from the last position to the first.
struct Stored {
  std::vector<Floats> rows;
  std::vector<std::byte> tile;
};

Stored store(decltype(KvTileKernels::store_key) put, DType type, int64_t dim) {
  std::mt19937 random(9);
  Stored stored{.rows = {}, .tile = std::vector<std::byte>(static_cast<size_t>(kKvTile * quant::row_bytes(type, dim)))};
  for (int64_t position = 0; position < kKvTile; ++position) stored.rows.push_back(testing::random_vector(dim, random));
  for (int64_t position = kKvTile - 1; position >= 0; --position) {
    put(type, stored.rows[static_cast<size_t>(position)].data(), dim, position, stored.tile.data());
  }
  return stored;
}

// What became of the numbers `x` of one position: the nearest f16, or the nearest of 255 steps up to the largest of 32.
void expect_rounded(DType type, const Floats& x, const Floats& kept) {
  for (size_t d = 0; d < x.size(); ++d) {
    if (type == DType::kF16) {
      EXPECT_EQ(kept[d], to_f32(to_f16(x[d])));
      continue;
    }
    float largest = 0;
    for (size_t i = d / 32 * 32; i < d / 32 * 32 + 32; ++i) largest = std::max(largest, std::abs(x[i]));
    const float step = to_f32(to_f16(largest / 127.0F));
    EXPECT_NEAR(kept[d] / step, std::round(kept[d] / step), 1e-4F);
    EXPECT_NEAR(kept[d], x[d], 0.51F * step + 0.001F * std::abs(x[d]));
  }
}

// One-hot queries and weights give the numbers that the tile holds.
TEST(KvTile, HoldsEachPositionsNumbersRounded) {
  const KvTileKernels& scalar = kernels_for(Level::kScalar).kv_tile;
  for (const auto& [type, dim] : {std::pair(DType::kF16, 20), std::pair(DType::kQ8_0, 96)}) {
    const auto n = static_cast<size_t>(dim);
    const Stored keys = store(scalar.store_key, type, dim);
    const Stored values = store(scalar.store_value, type, dim);
    Floats q(n * n, 0.0F);
    for (size_t d = 0; d < n; ++d) q[d * n + d] = 1.0F;
    Floats scores(n * kKvTile);
    scalar.multiply_keys(type, q.data(), dim, dim, keys.tile.data(), kKvTile, scores.data());
    Floats weights(kKvTile * kKvTile, 0.0F);
    for (size_t s = 0; s < kKvTile; ++s) weights[s * kKvTile + s] = 1.0F;
    Floats sums(kKvTile * n, 0.0F);
    scalar.add_values(type, weights.data(), kKvTile, dim, values.tile.data(), kKvTile, sums.data());
    for (size_t s = 0; s < kKvTile; ++s) {
      Floats key(n);
      for (size_t d = 0; d < n; ++d) key[d] = scores[d * kKvTile + s];
      expect_rounded(type, keys.rows[s], key);
      expect_rounded(type, values.rows[s], Floats(sums.begin() + s * n, sums.begin() + (s + 1) * n));
    }
  }
}

TEST(KvTile, ProductsAreTheSumsOfTheirFormulas) {
  const KvTileKernels& scalar = kernels_for(Level::kScalar).kv_tile;
  constexpr int64_t kDim = 48;
  constexpr int64_t kCount = 37;
  const Stored keys = store(scalar.store_key, DType::kF16, kDim);
  const Stored values = store(scalar.store_value, DType::kF16, kDim);
  std::mt19937 random(2);
  const Floats q = testing::random_vector(kDim, random);
  const Floats weights = testing::random_vector(kKvTile, random);
  Floats scores(kKvTile);
  scalar.multiply_keys(DType::kF16, q.data(), 1, kDim, keys.tile.data(), kCount, scores.data());
  for (size_t s = 0; s < kCount; ++s) {
    double sum = 0;
    for (size_t d = 0; d < kDim; ++d) sum += static_cast<double>(q[d]) * to_f32(to_f16(keys.rows[s][d]));
    EXPECT_NEAR(scores[s], sum, 1e-5);
  }
  Floats sums(kDim, 0.5F);
  scalar.add_values(DType::kF16, weights.data(), 1, kDim, values.tile.data(), kCount, sums.data());
  for (size_t d = 0; d < kDim; ++d) {
    double sum = 0.5;
    for (size_t s = 0; s < kCount; ++s) sum += static_cast<double>(weights[s]) * to_f32(to_f16(values.rows[s][d]));
    EXPECT_NEAR(sums[d], sum, 1e-5);
  }
}

}  // namespace
}  // namespace patina::kernels
