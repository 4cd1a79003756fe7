#include "ops/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
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
    for (const int64_t tokens : {1, 8, 21, 40}) {
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

TEST_P(LinearTest, MatricesPackedTogetherHoldWhatEachHoldsAlone) {
  constexpr int64_t kCols = 512;
  const std::array<std::vector<std::byte>, 3> files = {file_rows(300, kCols), file_rows(16, kCols),
                                                       file_rows(1000, kCols)};
  std::vector<PackedMatrix> alone;
  std::vector<PackedMatrix> together;
  int64_t bytes = 0;
  for (const std::vector<std::byte>& file : files) {
    const auto rows = static_cast<int64_t>(file.size()) / quant::row_bytes(GetParam(), kCols);
    alone.emplace_back(pool_, GetParam(), file, rows, kCols);
    together.emplace_back(GetParam(), file, rows, kCols);
    bytes += alone.back().bytes();
  }
  const platform::HugeBuffer memory(static_cast<size_t>(bytes));
  const std::array matrices = {&together[0], &together[1], &together[2]};
  PackedMatrix::pack_together(pool_, matrices, memory.bytes());
  const std::byte* place = memory.data();
  for (size_t i = 0; i < files.size(); ++i) {
    ASSERT_EQ(together[i].data(), place);
    EXPECT_EQ(std::memcmp(place, alone[i].data(), static_cast<size_t>(alone[i].bytes())), 0) << "matrix " << i;
    place += together[i].bytes();
  }
}

// y = gain * (W x + scale * B A x) + bias, and another term after it.
TEST_F(OpsTest, AGainIsOfTheWeightAndItsTermAlone) {
  constexpr int64_t kRows = 37;
  constexpr int64_t kCols = 64;
  const Tensor weight = random(kRows, kCols, false);
  PackedMatrix w(quant::DType::kF32, std::as_bytes(weight.values()), kRows, kCols);
  w.pack(pool_);
  const Tensor bias = random(1, kRows, false);
  std::vector<LoraTerm> terms(2);
  for (LoraTerm& term : terms) {
    term.a = random(3, kCols, false);
    term.b = random(kRows, 3, false);
    term.scale = 0.7F;
  }
  terms[0].gain = random(kRows, 1, false);
  for (const int64_t tokens : {1, 40}) {
    const Tensor x = random(tokens, kCols, false);
    const Tensor y = linear(context_, x, {.weight = &w, .bias = bias.data(), .adapters = terms});
    const auto dot = [](const float* a, const float* b, int64_t n) { return std::inner_product(a, a + n, b, 0.0); };
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t o = 0; o < kRows; ++o) {
        std::vector<double> added;
        for (const LoraTerm& term : terms) {
          double sum = 0;
          for (int64_t r = 0; r < 3; ++r) sum += term.b.row(o)[r] * dot(term.a.row(r), x.row(t), kCols);
          added.push_back(0.7 * sum);
        }
        const double expected =
            *terms[0].gain.row(o) * (dot(weight.row(o), x.row(t), kCols) + added[0]) + bias.data()[o] + added[1];
        ASSERT_NEAR(y.row(t)[o], expected, 1e-4) << t << " " << o;
      }
    }
  }
}

// Also where types need the input rounded otherwise, as at every level here that two of them round it to fewer steps.
TEST_F(OpsTest, LayersTakeAnInputThatTheyShareAsEachWouldAlone) {
  using quant::DType;
  kernels::Kernels kernels = kernels::default_kernels();
  kernels.matmul.acts_form = [](DType type) {
    kernels::ActsForm form = kernels::default_kernels().matmul.acts_form(type);
    form.most -= type == DType::kQ6_K ? 1 : type == DType::kQ8_0 ? 2 : 0;
    return form;
  };
  Context context{.pool = pool_, .kernels = kernels, .buffers = buffers_, .recorder = nullptr, .precise = false};
  constexpr int64_t kRows = 37;
  constexpr int64_t kCols = 512;
  std::vector<PackedMatrix> matrices;
  std::vector<std::vector<std::byte>> files;
  for (const DType type : {DType::kQ8_0, DType::kQ4_K, DType::kF32, DType::kQ6_K, DType::kQ5_0, DType::kQ4_0}) {
    const Tensor weight = random(kRows, kCols, false);
    files.emplace_back(static_cast<size_t>(kRows * quant::row_bytes(type, kCols)));
    quant::quantize(type, weight.values(), files.back(), kCols);
    matrices.emplace_back(pool_, type, files.back(), kRows, kCols);
  }
  std::vector<Linear> layers;
  layers.reserve(matrices.size());
  for (const PackedMatrix& w : matrices) layers.push_back({.weight = &w, .bias = nullptr, .adapters = {}});
  for (const int64_t tokens : {1, 21}) {
    const Tensor x = random(tokens, kCols, false);
    const std::vector<Tensor> together = linear(context, x, layers);
    for (size_t i = 0; i < layers.size(); ++i) {
      const Tensor alone = linear(context, x, layers[i]);
      EXPECT_TRUE(std::ranges::equal(together[i].values(), alone.values())) << i << ", " << tokens << " tokens";
    }
    const Tensor otherwise = linear(context_, x, layers[3]);
    EXPECT_FALSE(std::ranges::equal(together[3].values(), otherwise.values())) << tokens << " tokens";
  }
}

INSTANTIATE_TEST_SUITE_P(Types, LinearTest, testing::ValuesIn(quant::kAllTypes),
                         [](const auto& type) { return std::string(quant::name(type.param)); });

}  // namespace
}  // namespace patina::ops
