#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/matmul.h"
#include "kernels/matmul_cases.h"

// The products of gradients with weights at every level.
namespace patina::kernels {
namespace {

using testing::CodedRow;
using testing::column_product;
using testing::kMostOfBf16;
using testing::kTokenCounts;
using testing::Matrix;
using testing::random_floats;
using testing::random_matrix;
using testing::Sum;
using testing::tolerance;

class BackwardMatmul : public testing::MatmulTest {};
class QuantizedBackward : public testing::MatmulTest {};

TEST_P(BackwardMatmul, BackwardAddsTheProductWithTheTransposedWeights) {
  for (const int64_t m : kTokenCounts) {
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t lddy = w.rows + 2;
    const int64_t lddx = w.cols + 1;
    const int64_t k_begin = static_cast<int64_t>(random_()) % (w.cols / 32) * 32;
    const std::vector<float> dy = random_floats(m * lddy, random_);
    const std::vector<float> before = random_floats(m * lddx, random_);
    std::vector<float> dx = before;
    kernels().matmul_backward_f32(w.view(), {k_begin, w.cols}, {dy.data(), lddy}, m, {dx.data(), lddx},
                                  scratch_.data());
    for (int64_t t = 0; t < m; ++t) {
      for (int64_t k = 0; k < lddx; ++k) {
        const auto at = static_cast<size_t>(t * lddx + k);
        const bool untouched = k < k_begin || k >= w.cols;
        Sum expected = untouched ? Sum() : column_product(w, k, dy.data() + t * lddy);
        expected.add(before[at]);
        ASSERT_NEAR(dx[at], expected.value, untouched ? 0.0 : tolerance(w.rows + 1, expected.magnitude))
            << "m=" << m << " t=" << t << " k=" << k;
      }
    }
  }
}

// Rounding to 12 and 13 bits costs 1e-3 of the result's size where numbers are alike, more where some stand out.
constexpr double kMostOf16Bits = 2e-3;

// Rounding to 8 bits is off by 1 / (127 sqrt(12)) = 2.3e-3 of the largest possible of 64 numbers, in the mean square;
// of normal gradients times the scales of these tests that is 4.5 times the usual one.
constexpr double kMostOf8Bits = 1.2e-2;

double most_of_rounding(std::string_view level, quant::DType type) {
  if (level.starts_with("amx")) return kMostOfBf16;
  return backward_in_bytes(type) ? kMostOf8Bits : kMostOf16Bits;
}

TEST(Backward, TypesOfFourAndFiveBitsTakeBytes) {
  using quant::DType;
  constexpr DType kTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ4_K, DType::kQ5_K};
  for (const DType type : testing::kAllTypes) {
    EXPECT_EQ(backward_in_bytes(type), std::ranges::find(kTypes, type) != std::end(kTypes)) << quant::name(type);
  }
}

TEST_P(QuantizedBackward, RoundedBackwardIsTheSameButForRounding) {
  const double most = most_of_rounding(GetParam().level.name, GetParam().type);
  std::vector<std::array<int64_t, 3>> cases = {{530, 330, 256}};  // more tokens than tiles take together
  for (const int64_t m : kTokenCounts) cases.push_back({m, 700 + static_cast<int64_t>(random_()) % 40, 3 * 256});
  for (const auto& [m, rows, cols] : cases) {
    const Matrix w(GetParam().type, rows, cols, random_);
    const int64_t lddy = w.rows + 2;
    const int64_t lddx = w.cols + 1;
    const int64_t k_begin = static_cast<int64_t>(random_()) % (w.cols / 32) * 32;
    const std::vector<float> dy = random_floats(m * lddy, random_);
    const std::vector<float> before = random_floats(m * lddx, random_);
    testing::AlignedVector<std::byte> quantized(
        static_cast<size_t>(kernels().quantized_gradients_bytes(w.type, m, w.rows)));
    const int64_t cut = m / 2 / kGradientGroup * kGradientGroup;
    kernels().quantize_gradients(w.type, {dy.data(), lddy}, m, w.rows, {cut, m}, quantized.data());
    kernels().quantize_gradients(w.type, {dy.data(), lddy}, m, w.rows, {0, cut}, quantized.data());
    testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
    std::vector<float> dx = before;
    kernels().matmul_backward_rounded(w.view(), {k_begin, w.cols}, quantized.data(), m, {dx.data(), lddx},
                                      scratch.data());
    double error = 0.0;
    double size = 0.0;
    for (int64_t t = 0; t < m; ++t) {
      for (int64_t k = 0; k < lddx; ++k) {
        const auto at = static_cast<size_t>(t * lddx + k);
        if (k < k_begin || k >= w.cols) {
          ASSERT_EQ(dx[at], before[at]) << "m=" << m << " t=" << t << " k=" << k;
          continue;
        }
        const Sum product = column_product(w, k, dy.data() + t * lddy);
        error += std::pow(dx[at] - before[at] - product.value, 2);
        size += product.squares;
      }
    }
    EXPECT_LT(std::sqrt(error), most * std::sqrt(size)) << "m=" << m;
    EXPECT_GT(size, 0.0);
  }
}

TEST_P(QuantizedBackward, RoundedGradientsThatAreNoNumbersGiveNone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    const Matrix w(GetParam().type, 300, 512, random_);
    const int64_t m = 20;
    std::vector<float> dy = random_floats(m * w.rows, random_);
    constexpr int64_t kToken = 3;
    dy[static_cast<size_t>(kToken * w.rows + 270)] = value;
    testing::AlignedVector<std::byte> quantized(
        static_cast<size_t>(kernels().quantized_gradients_bytes(w.type, m, w.rows)));
    kernels().quantize_gradients(w.type, {dy.data(), w.rows}, m, w.rows, {0, m}, quantized.data());
    testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
    std::vector<float> dx(static_cast<size_t>(m * w.cols));
    kernels().matmul_backward_rounded(w.view(), {0, w.cols}, quantized.data(), m, {dx.data(), w.cols}, scratch.data());
    for (int64_t t = 0; t < m; ++t) {
      for (int64_t k = 0; k < w.cols; ++k) {
        ASSERT_EQ(std::isfinite(dx[static_cast<size_t>(t * w.cols + k)]), t != kToken) << "t=" << t << " k=" << k;
      }
    }
  }
}

TEST_P(BackwardMatmul, BackwardGivesTheSameBitsHoweverColumnsAreSplit) {
  const int64_t block = quant::is_float(GetParam().type) ? 32 : quant::info(GetParam().type).block_elements;
  const Matrix w(GetParam().type, 300, 3 * std::max<int64_t>(block, 128), random_);
  const int64_t m = 13;
  const std::vector<float> dy = random_floats(m * w.rows, random_);
  testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
  testing::AlignedVector<std::byte> rounded(
      static_cast<size_t>(kernels().quantized_gradients_bytes(w.type, m, w.rows)));
  kernels().quantize_gradients(w.type, {dy.data(), w.rows}, m, w.rows, {0, m}, rounded.data());
  const auto backward = [&](bool in_floats, std::span<const int64_t> cuts) {
    std::vector<float> dx(static_cast<size_t>(m * w.cols));
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      if (in_floats) {
        kernels().matmul_backward_f32(w.view(), {cuts[i], cuts[i + 1]}, {dy.data(), w.rows}, m, {dx.data(), w.cols},
                                      scratch.data());
      } else {
        kernels().matmul_backward_rounded(w.view(), {cuts[i], cuts[i + 1]}, rounded.data(), m, {dx.data(), w.cols},
                                          scratch.data());
      }
    }
    return dx;
  };
  for (const bool in_floats : {true, false}) {
    if (!in_floats && quant::is_float(w.type)) continue;
    EXPECT_EQ(backward(in_floats, std::array<int64_t, 2>{0, w.cols}),
              backward(in_floats, std::array<int64_t, 4>{0, 32, 352, w.cols}))
        << (in_floats ? "in floats" : "rounded");
  }
}

// Sums of integers must not overflow: gradients, scales and codes all as large as they get, of one sign.
TEST_P(QuantizedBackward, LargestCodesAndGradientsGoBackWithoutOverflow) {
  const quant::DType type = GetParam().type;
  Matrix w(type, 300, 256, random_);
  const auto block = static_cast<size_t>(quant::info(type).block_bytes);
  for (const int fill : {0x00, 0xFF, 0x7F, 0x80}) {
    std::fill_n(w.file.begin(), block, static_cast<std::byte>(fill));
    testing::set_scales(type, w.file.data(), random_);
    for (size_t b = block; b < w.file.size(); b += block) std::copy_n(w.file.begin(), block, &w.file[b]);
    quant::dequantize(type, w.file, w.weights);
    pack_panels(type, w.file.data(), w.rows, w.cols, w.panels(), w.packed.data());
    double largest = 0;
    for (const float weight : w.weights) largest = std::max(largest, std::abs(static_cast<double>(weight)));
    // Where a minimum nearly cancels a code, their own sizes count.
    for (const float scale : CodedRow(w, 0).scales) largest = std::max(largest, 16.0 * std::abs(scale));
    for (const float value : {1.0F, -1.0F}) {
      const std::vector<float> dy(static_cast<size_t>(w.rows), value);
      const std::vector<float> x(static_cast<size_t>(w.cols));
      const std::vector<float> dx = testing::products(kernels(), w, x, dy, 1).backward;
      for (int64_t k = 0; k < w.cols; ++k) {
        ASSERT_NEAR(dx[static_cast<size_t>(k)], value * static_cast<double>(w.rows) * w.at(0, k),
                    kMostOfBf16 * static_cast<double>(w.rows) * largest)  // an overflow makes much more
            << "fill=" << fill << " dy=" << value << " k=" << k;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, BackwardMatmul, ::testing::ValuesIn(testing::all_cases(testing::kAllTypes)),
                         testing::case_name);
INSTANTIATE_TEST_SUITE_P(Levels, QuantizedBackward, ::testing::ValuesIn(testing::all_cases(testing::kQuantizedTypes)),
                         testing::case_name);

}  // namespace
}  // namespace patina::kernels
