#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/levels.h"
#include "kernels/matmul_fixture.h"
#include "kernels/matmul_levels.h"

// Every level against plain f64 products of the weights that quant::dequantize gives, on shapes with tails.
//
// Tolerances: a sum of n terms in f32 is off by at most n u S, with u = 2^-24 and S the sum of the terms' magnitudes
// (Higham, Accuracy and Stability of Numerical Algorithms, 4.2); as roundings are independent, it is in practice below
// a few sqrt(n) u S. The tests allow (8 + 2 sqrt(n)) u S, far below the effect of one wrong code.
namespace patina::kernels {
namespace {

using testing::Matrix;
using testing::random_floats;

constexpr double kUnit = 0x1p-24;
double tolerance(int64_t terms, double magnitude) {
  return (8.0 + 2.0 * std::sqrt(static_cast<double>(terms))) * kUnit * magnitude;
}

// A sum, the sum of its terms' magnitudes, and that of their squares: what its own square is to be expected, which by
// chance can be less.
struct Sum {
  double value = 0.0;
  double magnitude = 0.0;
  double squares = 0.0;

  void add(double term) {
    value += term;
    magnitude += std::abs(term);
    squares += term * term;
  }
};

// Row r of w times a row of x.
Sum row_product(const Matrix& w, int64_t r, const float* x) {
  Sum sum;
  for (int64_t k = 0; k < w.cols; ++k) sum.add(w.at(r, k) * static_cast<double>(x[k]));
  return sum;
}

// A row of dy times column k of w.
Sum column_product(const Matrix& w, int64_t k, const float* dy) {
  Sum sum;
  for (int64_t r = 0; r < w.rows; ++r) sum.add(w.at(r, k) * static_cast<double>(dy[r]));
  return sum;
}

constexpr int64_t kTokenCounts[] = {1, 2, 3, 5, 7, 8, 9, 16, 31, 33};

struct Case {
  testing::NamedTable level;
  quant::DType type;
};

std::vector<Case> all_cases(std::span<const quant::DType> types) {
  std::vector<Case> cases;
  for (const testing::NamedTable& level : testing::matmul_levels()) {
    for (const quant::DType type : types) cases.push_back({level, type});
  }
  return cases;
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.level.name) + "_" + std::string(quant::name(info.param.type));
}

// Rows 1 to 50 and one to nine blocks (up to five superblocks), another pair for each token count.
Matrix random_matrix(quant::DType type, std::mt19937& random) {
  const int64_t block = quant::is_float(type) ? 32 : quant::info(type).block_elements;
  const auto blocks = static_cast<int64_t>(1 + random() % (block == 32 ? 9 : 5));
  return {type, static_cast<int64_t>(1 + random() % 50), block * blocks, random};
}

class Matmul : public ::testing::TestWithParam<Case> {
 protected:
  const MatmulKernels& kernels() const { return *GetParam().level.table; }
  std::mt19937 random_{20240};
  std::vector<float> scratch_ = std::vector<float>(static_cast<size_t>(kScratchFloats));
};
class QuantizedMatmul : public Matmul {};

TEST_P(Matmul, UnpackGivesTheDequantizedWeightsBitForBit) {
  for (int repeat = 0; repeat < 8; ++repeat) {
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t k_begin = static_cast<int64_t>(random_()) % (w.cols / 32) * 32;
    std::vector<float> out(static_cast<size_t>((w.cols - k_begin) * kPanelRows), -1.0F);
    for (int64_t panel = 0; panel < panel_count(w.rows); ++panel) {
      kernels().unpack_panel(w.type, w.packed.data(), w.cols, panel, k_begin, w.cols, out.data());
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
  constexpr double kRoundedInputs = 32.0 / (12 * 127 * 127);  // what float types add
  for (int repeat = 0; repeat < 4; ++repeat) {
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t panels = panel_count(w.rows);
    testing::AlignedVector<std::byte> sketch(static_cast<size_t>(panels * panel_bytes(quant::DType::kQ4_0, w.cols)));
    std::vector<float> deviations(static_cast<size_t>(panels * kPanelRows), -1.0F);
    kernels().sketch_panels(w.type, w.packed.data(), w.cols, 0, panels, sketch.data(), deviations.data());
    for (int64_t row = 0; row < panels * kPanelRows; ++row) {
      std::vector<float> coarse(static_cast<size_t>(w.cols * kPanelRows));
      kernels().unpack_panel(quant::DType::kQ4_0, sketch.data(), w.cols, row / kPanelRows, 0, w.cols, coarse.data());
      double squares = 0;
      for (int64_t k = 0; k < w.cols; ++k) {
        const auto weight = [&](int64_t column) { return row < w.rows ? w.at(row, column) : 0.0; };
        double largest = 0;
        for (int64_t j = k / 32 * 32; j < k / 32 * 32 + 32; ++j) largest = std::max(largest, std::abs(weight(j)));
        const double lost = weight(k) - coarse[static_cast<size_t>(k * kPanelRows + row % kPanelRows)];
        ASSERT_LE(std::abs(lost), largest / 15 * 1.01 + 1e-7) << "row " << row << ", column " << k;
        squares += lost * lost + (quant::is_float(w.type) ? kRoundedInputs * weight(k) * weight(k) : 0);
      }
      const double expected = std::sqrt(squares / static_cast<double>(w.cols));
      ASSERT_NEAR(deviations[static_cast<size_t>(row)], expected, 1e-3 * expected);
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
    kernels().matmul_f32(w.type, w.packed.data(), w.rows, w.cols, 0, panel_count(w.rows), x.data(), ldx, m, y.data(),
                         ldy, scratch_.data());
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

TEST_P(Matmul, BackwardAddsTheProductWithTheTransposedWeights) {
  for (const int64_t m : kTokenCounts) {
    const Matrix w = random_matrix(GetParam().type, random_);
    const int64_t lddy = w.rows + 2;
    const int64_t lddx = w.cols + 1;
    const int64_t k_begin = static_cast<int64_t>(random_()) % (w.cols / 32) * 32;
    const std::vector<float> dy = random_floats(m * lddy, random_);
    const std::vector<float> before = random_floats(m * lddx, random_);
    std::vector<float> dx = before;
    kernels().matmul_backward_f32(w.type, w.packed.data(), w.rows, w.cols, k_begin, w.cols, dy.data(), lddy, m,
                                  dx.data(), lddx, scratch_.data());
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

// Rounding to bf16, of 8 bits, is off by half of 2^-7 at most, in the mean square by 2^-7 / sqrt(12) = 2.3e-3 of
// numbers just above a power of two and by 1.6e-3 of all alike; a product of two by 3.2e-3 and 2.3e-3.
constexpr double kMostOfBf16 = 3.5e-3;

// Rounding to 12 and 13 bits costs 1e-3 of the result's size where numbers are alike, more where some stand out.
constexpr double kMostOfIntegers = 2e-3;

// Rounding to 8 bits is off by 1 / (127 sqrt(12)) = 2.3e-3 of the largest possible of 64 numbers, in the mean square;
// of normal gradients times the scales of these tests that is 4.5 times the usual one.
constexpr double kMostOfBytes = 1.2e-2;

double most_of_rounding(std::string_view level, quant::DType type) {
  if (level.starts_with("amx")) return kMostOfBf16;
  return backward_in_bytes(type) ? kMostOfBytes : kMostOfIntegers;
}

TEST_P(QuantizedMatmul, RoundedBackwardIsTheSameButForRounding) {
  const double most = most_of_rounding(GetParam().level.name, GetParam().type);
  std::vector<std::array<int64_t, 3>> cases = {{530, 70, 256}};  // more tokens than tiles take together
  for (const int64_t m : kTokenCounts) cases.push_back({m, 700 + static_cast<int64_t>(random_()) % 40, 3 * 256});
  for (const auto& [m, rows, cols] : cases) {
    const Matrix w(GetParam().type, rows, cols, random_);
    const int64_t lddy = w.rows + 2;
    const int64_t lddx = w.cols + 1;
    const int64_t k_begin = static_cast<int64_t>(random_()) % (w.cols / 32) * 32;
    const std::vector<float> dy = random_floats(m * lddy, random_);
    const std::vector<float> before = random_floats(m * lddx, random_);
    testing::AlignedVector<std::byte> quantized(static_cast<size_t>(kernels().quantized_gradients_bytes(m, w.rows)));
    const int64_t cut = m / 2 / kGradientGroup * kGradientGroup;
    kernels().quantize_gradients(dy.data(), lddy, m, w.rows, cut, m, quantized.data());
    kernels().quantize_gradients(dy.data(), lddy, m, w.rows, 0, cut, quantized.data());
    testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
    std::vector<float> dx = before;
    kernels().matmul_backward_rounded(w.type, w.packed.data(), w.rows, w.cols, k_begin, w.cols, quantized.data(), m,
                                      dx.data(), lddx, scratch.data());
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

TEST_P(Matmul, BackwardGivesTheSameBitsHoweverColumnsAreSplit) {
  const int64_t block = quant::is_float(GetParam().type) ? 32 : quant::info(GetParam().type).block_elements;
  const Matrix w(GetParam().type, 300, 3 * std::max<int64_t>(block, 128), random_);
  const int64_t m = 13;
  const std::vector<float> dy = random_floats(m * w.rows, random_);
  testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
  testing::AlignedVector<std::byte> rounded(static_cast<size_t>(kernels().quantized_gradients_bytes(m, w.rows)));
  kernels().quantize_gradients(dy.data(), w.rows, m, w.rows, 0, m, rounded.data());
  const auto backward = [&](bool in_floats, std::span<const int64_t> cuts) {
    std::vector<float> dx(static_cast<size_t>(m * w.cols));
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      if (in_floats) {
        kernels().matmul_backward_f32(w.type, w.packed.data(), w.rows, w.cols, cuts[i], cuts[i + 1], dy.data(), w.rows,
                                      m, dx.data(), w.cols, scratch.data());
      } else {
        kernels().matmul_backward_rounded(w.type, w.packed.data(), w.rows, w.cols, cuts[i], cuts[i + 1], rounded.data(),
                                          m, dx.data(), w.cols, scratch.data());
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

// Activations as the contract of quantize_acts says.
struct RoundedActs {
  RoundedActs(const float* x, int64_t blocks) {
    for (int64_t b = 0; b < blocks; ++b) {
      float largest = 0.0F;
      for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(x[b * 32 + i]));
      const float d = largest / 127.0F;
      scales.push_back(d);
      for (int i = 0; i < 32; ++i) {
        codes.push_back(d == 0.0F ? 0 : static_cast<int>(std::nearbyint(x[b * 32 + i] * (1.0F / d))));
      }
    }
  }
  std::vector<float> scales;
  std::vector<int> codes;
};

// One row of weights as codes.
struct CodedRow {
  CodedRow(const Matrix& w, int64_t row) : meaning(quant::group_codes(w.type)) {
    codes.resize(static_cast<size_t>(w.cols));
    scales.resize(static_cast<size_t>(w.cols / meaning.group));
    mins.resize(scales.size());
    quant::decode_codes(w.type, w.file.data() + row * quant::row_bytes(w.type, w.cols), w.cols, codes.data(),
                        scales.data(), mins.data());
  }
  quant::GroupCodes meaning;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  std::vector<float> mins;
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
    const double d = a.scales[g * group / 32];
    const double scaled = d * static_cast<double>(w.scales[g]) * static_cast<double>(dot);
    const double min = affine ? static_cast<double>(w.mins[g]) : zero * static_cast<double>(w.scales[g]);
    const double offset = d * min * static_cast<double>(sum);
    out.add(scaled);
    out.add(-offset);
  }
  return out;
}

// y = W x for all rows with quantized activations, in two ranges of panels and of activation rows.
std::vector<float> quantized_product(const MatmulKernels& kernels, const Matrix& w, const std::vector<float>& x,
                                     int64_t ldx, int64_t m, int64_t ldy) {
  testing::AlignedVector<std::byte> acts(static_cast<size_t>(kernels.quantized_acts_bytes(m, w.cols)));
  const int64_t cut = m / 2 / kActGroup * kActGroup;
  kernels.quantize_acts(x.data(), ldx, m, w.cols, cut, m, acts.data());
  kernels.quantize_acts(x.data(), ldx, m, w.cols, 0, cut, acts.data());
  std::vector<float> y(static_cast<size_t>(m * ldy), 777.0F);
  testing::AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
  const int64_t panels = panel_count(w.rows);
  kernels.matmul_q8(w.type, w.packed.data(), w.rows, w.cols, panels / 2, panels, acts.data(), m, y.data(), ldy,
                    scratch.data());
  kernels.matmul_q8(w.type, w.packed.data(), w.rows, w.cols, 0, panels / 2, acts.data(), m, y.data(), ldy,
                    scratch.data());
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
        const Sum expected = product(row, RoundedActs(x.data() + t * ldx, w.cols / 32));
        ASSERT_NEAR(y[static_cast<size_t>(t * ldy + r)], expected.value,
                    tolerance(4 * w.cols / row.meaning.group, expected.magnitude))
            << "m=" << m << " t=" << t << " r=" << r;
      }
    }
  }
}

// Integer sums must not saturate: all codes and all activations as large as they get, of one sign.
TEST_P(QuantizedMatmul, LargestCodesAndActivationsStayExact) {
  const quant::DType type = GetParam().type;
  const int64_t cols = 2 * quant::info(type).block_elements;
  Matrix w(type, 16, cols, random_);
  for (const int fill : {0x00, 0xFF, 0x7F, 0x80}) {
    std::fill(w.file.begin(), w.file.end(), static_cast<std::byte>(fill));
    for (size_t b = 0; b < w.file.size(); b += static_cast<size_t>(quant::info(type).block_bytes)) {
      testing::set_scales(type, w.file.data() + b, random_);
    }
    pack_panels(type, w.file.data(), w.rows, w.cols, 0, 1, w.packed.data());
    for (const float value : {1.0F, -1.0F}) {
      const std::vector<float> x(static_cast<size_t>(cols), value);
      const std::vector<float> y = quantized_product(kernels(), w, x, cols, 1, 16);
      for (int64_t r = 0; r < 16; ++r) {
        const CodedRow row(w, r);
        const Sum expected = product(row, RoundedActs(x.data(), cols / 32));
        ASSERT_NEAR(y[static_cast<size_t>(r)], expected.value,
                    tolerance(4 * cols / row.meaning.group, expected.magnitude))
            << "fill=" << fill << " x=" << value;
      }
    }
  }
}

// Sums of integers must not overflow: gradients, scales and codes all as large as they get, of one sign.
TEST_P(QuantizedMatmul, LargestCodesAndGradientsGoBackWithoutOverflow) {
  const quant::DType type = GetParam().type;
  Matrix w(type, 300, 256, random_);
  const auto block = static_cast<size_t>(quant::info(type).block_bytes);
  for (const int fill : {0x00, 0xFF, 0x7F, 0x80}) {
    std::fill_n(w.file.begin(), block, static_cast<std::byte>(fill));
    testing::set_scales(type, w.file.data(), random_);
    for (size_t b = block; b < w.file.size(); b += block) std::copy_n(w.file.begin(), block, &w.file[b]);
    quant::dequantize(type, w.file, w.weights);
    pack_panels(type, w.file.data(), w.rows, w.cols, 0, panel_count(w.rows), w.packed.data());
    double largest = 0;
    for (const float weight : w.weights) largest = std::max(largest, std::abs(static_cast<double>(weight)));
    // Of a small difference between code and minimum, the two count.
    for (const float scale : CodedRow(w, 0).scales) largest = std::max(largest, 16.0 * std::abs(scale));
    for (const float value : {1.0F, -1.0F}) {
      const std::vector<float> dy(static_cast<size_t>(w.rows), value);
      const std::vector<float> x(static_cast<size_t>(w.cols));
      const std::vector<float> dx = testing::products(kernels(), w, x, dy, 1).backward;
      for (int64_t k = 0; k < w.cols; ++k) {
        ASSERT_NEAR(dx[static_cast<size_t>(k)], value * static_cast<double>(w.rows) * w.at(0, k),
                    kMostOfBf16 * static_cast<double>(w.rows) * largest)
            << "fill=" << fill << " dy=" << value << " k=" << k;
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
    testing::AlignedVector<std::byte> acts(static_cast<size_t>(kernels().quantized_acts_bytes(m, w.cols)));
    kernels().quantize_acts(x.data(), w.cols, m, w.cols, 0, m, acts.data());
    const auto forward = [&](int64_t step) {
      std::vector<float> y(static_cast<size_t>(m * w.rows));
      for (int64_t p = 0; p < panels; p += step) {
        kernels().matmul_q8(w.type, w.packed.data(), w.rows, w.cols, p, std::min(p + step, panels), acts.data(), m,
                            y.data(), w.rows, scratch.data());
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

INSTANTIATE_TEST_SUITE_P(Levels, Matmul, ::testing::ValuesIn(all_cases(testing::kAllTypes)), case_name);
INSTANTIATE_TEST_SUITE_P(Levels, QuantizedMatmul, ::testing::ValuesIn(all_cases(testing::kQuantizedTypes)), case_name);

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
