#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace patina::tensor {
namespace {

// A pass that holds two tensors at once, and a third when the first of them is gone.
void pass(BufferPool& pool, int64_t rows) {
  Tensor first = pool.make(rows, 64);
  const Tensor second = pool.make(rows, 48);
  first = {};
  const Tensor third = pool.make(rows, 60);
}

TEST(BufferPoolTest, TheSameShapesAgainTakeNothingNew) {
  BufferPool pool;
  pass(pool, 500);
  const int64_t bytes = pool.bytes();
  for (int i = 0; i < 3; ++i) pass(pool, 500);
  EXPECT_EQ(pool.peak_bytes(), bytes);
}

TEST(BufferPoolTest, ManyShapesTakeLittleMoreThanTheLargest) {
  constexpr int64_t kLargest = 4000;
  BufferPool largest;
  pass(largest, kLargest);
  BufferPool pool;
  for (int64_t i = 0; i < 200; ++i) pass(pool, 100 + 1301 * i % (kLargest - 99));
  // All shapes' buffers together would be many times that.
  EXPECT_LE(pool.peak_bytes(), largest.peak_bytes() + largest.peak_bytes() / 4);
  EXPECT_GT(pool.peak_bytes(), largest.peak_bytes() / 2);
}

TEST(BufferPoolTest, WhatIsInUseStaysAsItIs) {
  BufferPool pool;
  std::vector<Tensor> kept;
  for (int64_t i = 0; i < 30; ++i) {
    pass(pool, 1000 - 30 * i);
    kept.push_back(pool.make_zero(1 + i, 300));
    std::ranges::fill(kept.back().values(), static_cast<float>(i));
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_TRUE(std::ranges::all_of(kept[i].values(), [&](float x) { return x == static_cast<float>(i); })) << i;
  }
}

TEST(BufferPoolTest, TrimGivesBackWhatIsFree) {
  BufferPool pool;
  const Tensor kept = pool.make(100, 100);
  const int64_t bytes = pool.bytes();
  pass(pool, 100);
  EXPECT_GT(pool.bytes(), bytes);
  pool.trim();
  EXPECT_EQ(pool.bytes(), bytes);
}

#if defined(__SANITIZE_ADDRESS__)
// In a build with the sanitizer, which sees only what the arena says of its memory.
TEST(BufferPoolDeathTest, TheSanitizerSeesWhereTensorsEnd) {
  BufferPool pool;
  const Tensor tensor = pool.make(3, 5);
  float* values = tensor.data();
  EXPECT_DEATH(values[15] = 1, "use-after-poison");
  Tensor freed = pool.make(3, 5);
  values = freed.data();
  freed = {};
  EXPECT_DEATH(values[0] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace patina::tensor
