#include "ops/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "ops/gradient_check.h"
#include "quant/golden.h"
#include "quant/quantize.h"

namespace patina::ops {
namespace {

class LinearTest : public OpsTest, public testing::WithParamInterface<quant::DType> {
 protected:
  std::vector<std::byte> file_rows(int64_t rows, int64_t cols) {
    std::vector<float> values(static_cast<size_t>(rows * cols));
    std::normal_distribution<float> normal(0.0F, 0.05F);
    for (float& value : values) value = normal(random_);
    std::vector<std::byte> file(static_cast<size_t>(rows * quant::row_bytes(GetParam(), cols)));
    quant::quantize(GetParam(), values, file, cols);
    return file;
  }

  std::vector<float> product(const PackedMatrix& w, const Tensor& x) {
    const Tensor y = linear(context_, x, {.weight = &w, .bias = nullptr, .adapters = {}});
    return {y.values().begin(), y.values().end()};
  }
};

TEST_P(LinearTest, RowsOfAFileAndPackedOnesGiveTheSameBits) {
  constexpr int64_t kRows = 300;  // the last panel is not full
  constexpr int64_t kCols = 512;
  const std::vector<std::byte> file = file_rows(kRows, kCols);
  for (const bool precise : {false, true}) {
    context_.precise = precise;
    for (const int64_t tokens : {1, 8, 21}) {
      PackedMatrix w(GetParam(), file, kRows, kCols);
      const Tensor x = random(tokens, kCols, false);
      const std::vector<float> from_file = product(w, x);
      ASSERT_EQ(w.data(), nullptr);
      w.pack(pool_);
      ASSERT_NE(w.data(), nullptr);
      EXPECT_EQ(product(w, x), from_file) << tokens << " tokens, precise: " << precise;
      EXPECT_GT(*std::ranges::max_element(from_file), 0.1F);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, LinearTest, testing::ValuesIn(quant::kAllTypes),
                         [](const auto& type) { return std::string(quant::name(type.param)); });

}  // namespace
}  // namespace patina::ops
