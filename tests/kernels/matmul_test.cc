#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/levels.h"
#include "kernels/matmul_cases.h"
#include "kernels/packed_layout.h"

// Every level against plain f64 products, see matmul_cases.h.
namespace patina::kernels {
namespace {

using testing::CodedRow;
using testing::kMostOfBf16;
using testing::kTokenCounts;
using testing::Matrix;
using testing::random_floats;
using testing::random_matrix;
using testing::row_product;
using testing::Sum;
using testing::tolerance;

class Matmul : public testing::MatmulTest {};
class QuantizedMatmul : public testing::MatmulTest {};

TEST_P(Matmul, UnpackGivesTheDequantizedWeightsBitForBit) {
  for (int repeat = 0; repeat < 8; ++repeat) {
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t k_begin = static_cast<int64_t>(random_()) % (w.cols / 32) * 32;
    std::vector<float> out(static_cast<size_t>((w.cols - k_begin) * kPanelRows), -1.0F);
    for (int64_t panel = 0; panel < panel_count(w.rows); ++panel) {
      kernels().unpack_panel(w.view(), panel, {k_begin, w.cols}, out.data());
      for (int64_t k = k_begin; k < w.cols; ++k) {
        for (int64_t lane = 0; lane < kPanelRows; ++lane) {
          const int64_t row = panel * kPanelRows + lane;
          const double expected = row < w.rows ? w.at(row, k) : 0.0;
          ASSERT_EQ(out[static_cast<size_t>((k - k_begin) * kPanelRows + lane)], expected) << row << ", " << k;
        }
      }
    }
  }
}

TEST_P(Matmul, SketchIsOffByHalfAStepAtMostAndSaysByHowMuch) {
  const quant::DType type = GetParam().type;
  // What types add whose own products do not round inputs as those of a sketch do.
  const ActsForm sketch_form = kernels().acts_form(quant::DType::kQ4_0);
  const auto rounded = [](ActsForm form) { return 32 / (12.0 * std::pow(form.most, 2)); };
  double rounded_inputs = rounded(sketch_form);
  if (!quant::is_float(type)) {
    const ActsForm own = kernels().acts_form(type);
    rounded_inputs = own == sketch_form ? 0.0 : rounded_inputs + rounded(own);
  }
  for (int repeat = 0; repeat < 4; ++repeat) {
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t panels = panel_count(w.rows);
    testing::AlignedVector<std::byte> sketch(static_cast<size_t>(panels * panel_bytes(quant::DType::kQ4_0, w.cols)));
    std::vector<float> said(static_cast<size_t>(panels * w.cols / kBlockColumns * kPanelRows), -1.0F);
    kernels().sketch_panels(w.view(), w.panels(), sketch.data(), said.data());
    for (int64_t row = 0; row < panels * kPanelRows; ++row) {
      std::vector<float> coarse(static_cast<size_t>(w.cols * kPanelRows));
      kernels().unpack_panel({quant::DType::kQ4_0, sketch.data(), w.rows, w.cols}, row / kPanelRows, {0, w.cols},
                             coarse.data());
      std::vector<double> squares(static_cast<size_t>(w.cols / kBlockColumns));
      for (int64_t k = 0; k < w.cols; ++k) {
        const auto weight = [&](int64_t column) { return row < w.rows ? w.at(row, column) : 0.0; };
        double largest = 0;
        for (int64_t j = k / 32 * 32; j < k / 32 * 32 + 32; ++j) largest = std::max(largest, std::abs(weight(j)));
        const double lost = weight(k) - coarse[static_cast<size_t>(k * kPanelRows + row % kPanelRows)];
        ASSERT_LE(std::abs(lost), largest / 15 * 1.01 + 1e-7) << "row " << row << ", column " << k;
        squares[static_cast<size_t>(k / kBlockColumns)] += lost * lost + rounded_inputs * weight(k) * weight(k);
      }
      for (size_t b = 0; b < squares.size(); ++b) {
        const size_t place = (static_cast<size_t>(row / kPanelRows) * squares.size() + b) * kPanelRows +
                             static_cast<size_t>(row % kPanelRows);
        const double expected = squares[b] / kBlockColumns;
        ASSERT_NEAR(said[place], expected, 2e-3 * expected) << "row " << row << ", block " << b;
      }
    }
  }
}

TEST_P(Matmul, ForwardEqualsTheProductWithDequantizedWeights) {
  for (const int64_t m : kTokenCounts) {
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t ldx = w.cols + 3;
    const int64_t ldy = w.rows + 5;
    const std::vector<float> x = random_floats(m * ldx, random_);
    std::vector<float> y(static_cast<size_t>(m * ldy), 777.0F);
    kernels().matmul_f32(w.view(), w.panels(), {x.data(), ldx}, m, {y.data(), ldy}, scratch_.data());
    for (int64_t t = 0; t < m; ++t) {
      for (int64_t r = 0; r < ldy; ++r) {
        const double actual = y[static_cast<size_t>(t * ldy + r)];
        if (r >= w.rows) {
          ASSERT_EQ(actual, 777.0) << "wrote past the last row";
          continue;
        }
        const Sum expected = row_product(w, r, x.data() + t * ldx);
        ASSERT_NEAR(actual, expected.value, tolerance(w.cols, expected.magnitude))
            << "m=" << m << " t=" << t << " r=" << r;
      }
    }
  }
}

// Activations as the contract of quantize_acts says.
struct RoundedActs {
  RoundedActs(const float* x, int64_t count, ActsForm form) : columns(form.columns) {
    for (const float* run = x; run < x + count; run += columns) {
      float largest = 0.0F;
      for (int64_t i = 0; i < columns; ++i) largest = std::max(largest, std::abs(run[i]));
      const float d = largest / static_cast<float>(form.most);
      scales.push_back(d);
      for (int64_t i = 0; i < columns; ++i) {
        codes.push_back(d == 0.0F ? 0 : static_cast<int>(std::nearbyint(run[i] * (1.0F / d))));
      }
    }
  }
  int64_t columns;  // of a scale
  std::vector<float> scales;
  std::vector<int> codes;
};

// Its magnitude is that of the terms that f32 sums are made of.
Sum product(const CodedRow& w, const RoundedActs& a) {
  Sum out;
  const auto group = static_cast<size_t>(w.meaning.group);
  const bool affine = w.meaning.zero == quant::kAffine;
  const double zero = affine ? 0.0 : w.meaning.zero;
  for (size_t g = 0; g < w.scales.size(); ++g) {
    int64_t dot = 0;
    int64_t sum = 0;
    for (size_t k = g * group; k < (g + 1) * group; ++k) {
      dot += static_cast<int64_t>(w.codes[k]) * a.codes[k];
      sum += a.codes[k];
    }
    const double d = a.scales[g * group / static_cast<size_t>(a.columns)];
    const double scaled = d * static_cast<double>(w.scales[g]) * static_cast<double>(dot);
    const double min = affine ? static_cast<double>(w.mins[g]) : zero * static_cast<double>(w.scales[g]);
    const double offset = d * min * static_cast<double>(sum);
    out.add(scaled);
    out.add(-offset);
    // What a level that multiplies codes less half their range moves from the one term to the other.
    const double middle = affine && w.meaning.max_code == 31 ? 16.0 : 0.0;
    out.magnitude += std::abs(d * middle * static_cast<double>(w.scales[g]) * static_cast<double>(sum));
  }
  return out;
}

// y = W x for all rows with quantized activations, in two ranges of panels and of activation rows.
std::vector<float> quantized_product(const MatmulKernels& kernels, const Matrix& w, const std::vector<float>& x,
                                     int64_t ldx, int64_t m, int64_t ldy) {
  const ActsForm form = kernels.acts_form(w.type);
  testing::AlignedVector<std::byte> acts(static_cast<size_t>(kernels.quantized_acts_bytes(form, m, w.cols)));
  const int64_t cut = m / 2 / kActGroup * kActGroup;
  kernels.quantize_acts(form, {x.data(), ldx}, m, w.cols, {cut, m}, acts.data());
  kernels.quantize_acts(form, {x.data(), ldx}, m, w.cols, {0, cut}, acts.data());
  std::vector<float> y(static_cast<size_t>(m * ldy), 777.0F);
  testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
  const int64_t panels = panel_count(w.rows);
  kernels.matmul_rounded(w.view(), {panels / 2, panels}, acts.data(), m, {y.data(), ldy}, scratch.data());
  kernels.matmul_rounded(w.view(), {0, panels / 2}, acts.data(), m, {y.data(), ldy}, scratch.data());
  return y;
}

// Tiles take more tokens than this to bf16 instead of integers.
constexpr int64_t kMostInIntegers = 31;
bool takes_tiles(const testing::NamedTable& level, int64_t m) {
  return level.name.starts_with("amx") && m > kMostInIntegers;
}

TEST_P(QuantizedMatmul, ForwardEqualsTheProductWithRoundedActivations) {
  for (const int64_t m : kTokenCounts) {
    if (takes_tiles(GetParam().level, m)) continue;
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t ldx = w.cols + 1;
    const int64_t ldy = w.rows + 5;
    std::vector<float> x = random_floats(m * ldx, random_);
    std::fill_n(x.begin(), 32, 0.0F);  // a block whose scale is zero
    const std::vector<float> y = quantized_product(kernels(), w, x, ldx, m, ldy);
    for (int64_t r = 0; r < ldy; ++r) {
      if (r >= w.rows) {
        for (int64_t t = 0; t < m; ++t) ASSERT_EQ(y[static_cast<size_t>(t * ldy + r)], 777.0F);
        continue;
      }
      const CodedRow row(w, r);
      for (int64_t t = 0; t < m; ++t) {
        const Sum expected = product(row, RoundedActs(x.data() + t * ldx, w.cols, kernels().acts_form(w.type)));
        ASSERT_NEAR(y[static_cast<size_t>(t * ldy + r)], expected.value,
                    tolerance(4 * w.cols / row.meaning.group, expected.magnitude))
            << "m=" << m << " t=" << t << " r=" << r;
      }
    }
  }
}

// Integer sums must not saturate: all codes and all activations as large as they get, of one sign or of one in either
// half of a block; alone and in a group of many rows.
TEST_P(QuantizedMatmul, LargestCodesAndActivationsStayExact) {
  const quant::DType type = GetParam().type;
  const int64_t cols = 2 * quant::info(type).block_elements;
  Matrix w(type, 16, cols, random_);
  for (const int fill : {0x00, 0xFF, 0x7F, 0x80, 0x0F, 0xF0}) {
    std::fill(w.file.begin(), w.file.end(), static_cast<std::byte>(fill));
    for (size_t b = 0; b < w.file.size(); b += static_cast<size_t>(quant::info(type).block_bytes)) {
      testing::set_scales(type, w.file.data() + b, random_);
    }
    pack_panels(type, w.file.data(), w.rows, w.cols, {0, 1}, w.packed.data());
    // In halves of a block or of what has one scale and, as 16-bit sums have them, in halves of 4 columns.
    const auto half = [](size_t i) { return i % 32 < 16; };
    const auto quarter = [](size_t i) { return i % 16 < 8; };
    const auto pair = [](size_t i) { return i % 4 < 2; };
    struct Activations {
      float first, second;
      bool (*is_first)(size_t i);
    };
    for (const auto& [first, second, is_first] : {Activations{1.0F, 1.0F, half},
                                                  {-1.0F, -1.0F, half},
                                                  {1.0F, -1.0F, half},
                                                  {-1.0F, 1.0F, half},
                                                  {1.0F, -1.0F, quarter},
                                                  {-1.0F, 1.0F, quarter},
                                                  {1.0F, 0.0F, pair},
                                                  {0.0F, 1.0F, pair}}) {
      constexpr int64_t kRows = kActGroup + 1;
      std::vector<float> x(static_cast<size_t>(kRows * cols));
      for (size_t i = 0; i < x.size(); ++i) x[i] = is_first(i) ? first : second;
      const std::vector<float> y = quantized_product(kernels(), w, x, cols, kRows, 16);
      for (int64_t i = 0; i < kRows * 16; ++i) {
        const CodedRow row(w, i % 16);
        const Sum expected = product(row, RoundedActs(x.data(), cols, kernels().acts_form(type)));
        ASSERT_NEAR(y[static_cast<size_t>(i)], expected.value,
                    tolerance(4 * cols / row.meaning.group, expected.magnitude))
            << "fill=" << fill << " x=" << first << ", " << second;
      }
    }
  }
}

// An activation that is no finite number leaves no row of the product finite, alone and in a group of many.
TEST_P(QuantizedMatmul, ActivationsThatAreNotFiniteGiveNoNumbers) {
  const Matrix w(GetParam().type, 20, 256, random_);
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    constexpr int64_t kRows = kActGroup + 1;
    std::vector<float> x = random_floats(kRows * w.cols, random_);
    for (const int64_t t : {int64_t{3}, kRows - 1}) {
      x[static_cast<size_t>(t * w.cols + 5)] = value;
      const std::vector<float> y = quantized_product(kernels(), w, x, w.cols, kRows, w.rows);
      for (int64_t r = 0; r < w.rows; ++r) {
        EXPECT_TRUE(std::isnan(y[static_cast<size_t>(t * w.rows + r)])) << "row " << r << " of token " << t;
        EXPECT_TRUE(std::isfinite(y[static_cast<size_t>(r)])) << "row " << r << " of token 0";
      }
    }
  }
}

TEST_P(QuantizedMatmul, TilesRoundBothFactorsToBf16) {
  if (!takes_tiles(GetParam().level, 32)) return;
  struct Shape {
    int64_t m;
    int64_t rows;
    int64_t blocks;
  };
  // More rows in either half, and more tokens, than are multiplied together; runs of columns that end early.
  for (const auto& [m, rows, blocks] : {Shape{32, 17, 1}, {33, 90, 3}, {49, 1100, 1}, {530, 70, 2}, {40, 33, 11}}) {
    const Matrix w(GetParam().type, rows, blocks * quant::info(GetParam().type).block_elements, random_);
    const int64_t ldx = w.cols + 1;
    const int64_t ldy = w.rows + 5;
    const std::vector<float> x = random_floats(m * ldx, random_);
    const std::vector<float> y = quantized_product(kernels(), w, x, ldx, m, ldy);
    double error = 0.0;
    double size = 0.0;
    for (int64_t t = 0; t < m; ++t) {
      for (int64_t r = 0; r < ldy; ++r) {
        const double actual = y[static_cast<size_t>(t * ldy + r)];
        if (r >= w.rows) {
          ASSERT_EQ(actual, 777.0) << "wrote past the last row";
          continue;
        }
        const Sum expected = row_product(w, r, x.data() + t * ldx);
        error += std::pow(actual - expected.value, 2);
        size += expected.squares;
      }
    }
    EXPECT_LT(std::sqrt(error), kMostOfBf16 * std::sqrt(size)) << "m=" << m;
    EXPECT_GT(size, 0.0);
  }
}

TEST_P(QuantizedMatmul, ForwardGivesTheSameBitsHoweverPanelsAreSplit) {
  const Matrix w(GetParam().type, 300, 768, random_);
  const int64_t panels = panel_count(w.rows);
  testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
  for (const int64_t m : {9, 40}) {
    const std::vector<float> x = random_floats(m * w.cols, random_);
    const ActsForm form = kernels().acts_form(w.type);
    testing::AlignedVector<std::byte> acts(static_cast<size_t>(kernels().quantized_acts_bytes(form, m, w.cols)));
    kernels().quantize_acts(form, {x.data(), w.cols}, m, w.cols, {0, m}, acts.data());
    const auto forward = [&](int64_t step) {
      std::vector<float> y(static_cast<size_t>(m * w.rows));
      for (int64_t p = 0; p < panels; p += step) {
        kernels().matmul_rounded(w.view(), {p, std::min(p + step, panels)}, acts.data(), m, {y.data(), w.rows},
                                 scratch.data());
      }
      return y;
    };
    EXPECT_EQ(forward(panels), forward(1)) << "m=" << m;
    EXPECT_EQ(forward(panels), forward(7)) << "m=" << m;
  }
}

// Where many tokens take another way than few, in any batch of many.
TEST_P(QuantizedMatmul, OneRowsResultIsTheSameInAnyBatch) {
  const Matrix w(GetParam().type, 40, 2304, random_);  // more columns and tokens than are handled at a time
  const int64_t m = 141;
  const int64_t few = takes_tiles(GetParam().level, m) ? kMostInIntegers + 1 : 1;
  const std::vector<float> x = random_floats(m * w.cols, random_);
  const std::vector<float> batch = quantized_product(kernels(), w, x, w.cols, m, w.rows);
  for (int64_t t = 0; t + few <= m; ++t) {
    const std::vector<float> rows(x.begin() + t * w.cols, x.begin() + (t + few) * w.cols);
    const std::vector<float> alone = quantized_product(kernels(), w, rows, w.cols, few, w.rows);
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), batch.begin() + t * w.rows)) << "t=" << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Matmul, ::testing::ValuesIn(testing::all_cases(testing::kAllTypes)),
                         testing::case_name);
INSTANTIATE_TEST_SUITE_P(Levels, QuantizedMatmul, ::testing::ValuesIn(testing::all_cases(testing::kQuantizedTypes)),
                         testing::case_name);

// In pairs a byte holds an activation and a code: -8 to 7 of 4 bits, -16 to 15 of 5, -32 to 31 of 6.
TEST(ActsForm, IsWhatTheTypesCodesLeave) {
  for (const testing::NamedTable& level : testing::matmul_levels()) {
    for (const quant::DType type : testing::kQuantizedTypes) {
      using quant::DType;
      ActsForm expected = {32, 127};
      if (level.name.starts_with("zen4")) {
        if (type == DType::kQ4_0 || type == DType::kQ4_1 || type == DType::kQ4_K) expected.most = 120;
        if (type == DType::kQ5_0 || type == DType::kQ5_1 || type == DType::kQ5_K) expected.most = 112;
        if (type == DType::kQ2_K || type == DType::kQ3_K) expected = {16, 124};
        if (type == DType::kQ6_K) expected = {16, 96};
      }
      EXPECT_EQ(level.table->acts_form(type), expected) << level.name << " " << quant::name(type);
    }
  }
}

TEST(PackedMatrix, TakesAtMostThreePercentMoreThanTheFile) {
  for (const quant::DType type : testing::kAllTypes) {
    for (const int64_t cols : {512, 2048, 4096, 5632}) {
      const auto file = static_cast<double>(kPanelRows * quant::row_bytes(type, cols));
      EXPECT_EQ(panel_bytes(type, cols) % 64, 0);
      EXPECT_LE(static_cast<double>(panel_bytes(type, cols)), 1.03 * file) << quant::name(type) << " " << cols;
    }
  }
}

}  // namespace
}  // namespace patina::kernels
