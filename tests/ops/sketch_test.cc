#include "ops/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "base/error.h"
#include "ops/gradient_check.h"
#include "ops/linear.h"
#include "quant/quantize.h"

namespace patina::ops {
namespace {

constexpr int64_t kRows = 3000;
constexpr int64_t kCols = 256;

class SketchTest : public OpsTest {
 protected:
  SketchTest() { context_.precise = false; }

  // Of normal numbers, those in the columns `large` 20 times as large.
  PackedMatrix matrix(quant::DType type, int64_t rows = kRows, int64_t cols = kCols,
                      const std::vector<int64_t>& large = {}) {
    std::vector<float> values(static_cast<size_t>(rows * cols));
    std::normal_distribution<float> normal(0.0F, 0.05F);
    for (float& value : values) value = normal(random_);
    for (int64_t r = 0; r < rows; ++r) {
      for (const int64_t c : large) values[static_cast<size_t>(r * cols + c)] *= 20;
    }
    std::vector<std::byte> file(static_cast<size_t>(rows * quant::row_bytes(type, cols)));
    quant::quantize(type, values, file, cols);
    return {pool_, type, file, rows, cols};
  }

  Tensor input(int64_t tokens, int64_t cols = kCols) { return random(tokens, cols, false); }

  // The rows that largest() multiplied exactly, after a check of all that it promises.
  int64_t check(const PackedMatrix& w, const Tensor& x, const std::vector<int64_t>& wanted) {
    return check(Sketch(pool_, context_.kernels, w), w, x, wanted);
  }
  int64_t check(const Sketch& sketch, const PackedMatrix& w, const Tensor& x, const std::vector<int64_t>& wanted) {
    const Tensor found = sketch.largest(context_, x, wanted);
    const Tensor all = linear(context_, x, Linear{.weight = &w, .bias = nullptr, .adapters = {}});
    int64_t same = 0;
    for (int64_t t = 0; t < x.rows(); ++t) {
      const float* expected = all.row(t);
      std::vector<float> sorted(expected, expected + w.rows());
      std::ranges::sort(sorted, std::greater<>());
      const float least = sorted[static_cast<size_t>(std::min(wanted[static_cast<size_t>(t)], w.rows()) - 1)];
      for (int64_t r = 0; r < w.rows(); ++r) {
        if (expected[r] >= least) {
          EXPECT_EQ(found.row(t)[r], expected[r]) << "token " << t << " row " << r;
        } else {
          EXPECT_LT(found.row(t)[r], least) << "token " << t << " row " << r;
        }
        same += found.row(t)[r] == expected[r] ? 1 : 0;
      }
    }
    return same;
  }
};

TEST_F(SketchTest, TheLargestAreExactAndTheOthersSmaller) {
  using quant::DType;
  for (const DType type : {DType::kQ8_0, DType::kQ6_K, DType::kQ5_K, DType::kF16, DType::kF32}) {
    const PackedMatrix w = matrix(type);
    for (const int64_t tokens : {1, 3, 8}) {
      const Tensor x = input(tokens);
      std::vector<int64_t> wanted(static_cast<size_t>(tokens));
      for (size_t t = 0; t < wanted.size(); ++t) wanted[t] = 1 + 13 * static_cast<int64_t>(t);
      check(w, x, wanted);
    }
  }
}

TEST_F(SketchTest, MultipliesFewRowsExactly) {
  const PackedMatrix w = matrix(quant::DType::kQ8_0, 50000);
  EXPECT_LT(check(w, input(1), {1}), 50000 / 10);
}

// Large columns make the steps of their blocks coarse, and nearly all of the input's length lies in these blocks, as in
// models whose hidden states have a few massive components: in the large columns themselves, or beside them.
TEST_F(SketchTest, FindsTheLargestWhereTheInputMeetsTheCoarsestBlocks) {
  constexpr int64_t kWide = 2048;
  const PackedMatrix w = matrix(quant::DType::kQ8_0, 6000, kWide, {70, 75, 90, 1000});
  const Sketch sketch(pool_, context_.kernels, w);
  const std::vector<int64_t> wanted = {1, 5, 10, 20, 40, 40, 40, 100};
  const std::vector<std::vector<int64_t>> massive = {{70, 75}, {70, 75, 90}, {75, 90, 1000}, {70}, {1000, 1010}, {80}};
  for (const std::vector<int64_t>& columns : massive) {
    SCOPED_TRACE(testing::PrintToString(columns));
    for (int trial = 0; trial < 8; ++trial) {
      const Tensor x = input(std::ssize(wanted), kWide);
      for (int64_t t = 0; t < x.rows(); ++t) {
        for (const int64_t c : columns) x.row(t)[c] *= 1000;
      }
      check(sketch, w, x, wanted);
    }
  }
}

TEST_F(SketchTest, WorksForAnyShape) {
  check(matrix(quant::DType::kQ8_0, 37, 32), input(2, 32), {1, 37});
  check(matrix(quant::DType::kQ8_0, 3, 96), input(1, 96), {40});
  check(matrix(quant::DType::kF16, 17, 96), input(1, 96), {2});
}

TEST_F(SketchTest, RowsOfZerosAndEqualRowsAreNoTrouble) {
  std::vector<float> values(static_cast<size_t>(640 * kCols), 0.0F);
  for (size_t i = 0; i < values.size() / 2; ++i) values[i] = static_cast<float>(i % kCols) * 1e-3F;
  std::vector<std::byte> file(static_cast<size_t>(640 * quant::row_bytes(quant::DType::kQ8_0, kCols)));
  quant::quantize(quant::DType::kQ8_0, values, file, kCols);
  const PackedMatrix w(pool_, quant::DType::kQ8_0, file, 640, kCols);
  check(w, input(2), {1, 400});
}

TEST_F(SketchTest, InputsThatAreNoNumbersAreMultipliedExactly) {
  const PackedMatrix w = matrix(quant::DType::kF16);
  const Tensor x = input(1);
  x.data()[3] = std::numeric_limits<float>::quiet_NaN();
  const Sketch sketch(pool_, context_.kernels, w);
  const std::vector<int64_t> wanted = {40};
  const Tensor found = sketch.largest(context_, x, wanted);
  EXPECT_TRUE(std::ranges::all_of(found.values(), [](float value) { return std::isnan(value); }));
}

TEST_F(SketchTest, PaysForLargeMatricesOfManyBitsOnly) {
  const PackedMatrix small = matrix(quant::DType::kQ8_0);
  EXPECT_FALSE(Sketch::pays(small, small.bytes()));
  const PackedMatrix large = matrix(quant::DType::kQ8_0, 20000);
  EXPECT_TRUE(Sketch::pays(large, large.bytes()));
  EXPECT_FALSE(Sketch::pays(large, 20 * large.bytes()));
  const PackedMatrix coarse = matrix(quant::DType::kQ4_0, 20000);
  EXPECT_FALSE(Sketch::pays(coarse, coarse.bytes()));
  EXPECT_FALSE(Sketch::pays(matrix(quant::DType::kF32, 20000, 40), 1));
}

TEST_F(SketchTest, RefusesColumnsThatHaveNoBlocks) {
  const PackedMatrix w = matrix(quant::DType::kF32, 100, 40);
  EXPECT_THROW(Sketch(pool_, context_.kernels, w), Error);
}

}  // namespace
}  // namespace patina::ops
