#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/matmul_fixture.h"
#include "kernels/matmul_levels.h"

// What the tests of products share: every level and type as a case, and plain f64 products of the weights that
// quant::dequantize gives, on shapes with tails.
//
// Tolerances: a sum of n terms in f32 is off by at most n u S, with u = 2^-24 and S the sum of the terms' magnitudes
// (Higham, Accuracy and Stability of Numerical Algorithms, 4.2); as roundings are independent, it is in practice below
// a few sqrt(n) u S. The tests allow (8 + 2 sqrt(n)) u S, far below the effect of one wrong code.
namespace patina::kernels::testing {

inline constexpr double kUnit = 0x1p-24;
inline double tolerance(int64_t terms, double magnitude) {
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
inline Sum row_product(const Matrix& w, int64_t r, const float* x) {
  Sum sum;
  for (int64_t k = 0; k < w.cols; ++k) sum.add(w.at(r, k) * static_cast<double>(x[k]));
  return sum;
}

// A row of dy times column k of w.
inline Sum column_product(const Matrix& w, int64_t k, const float* dy) {
  Sum sum;
  for (int64_t r = 0; r < w.rows; ++r) sum.add(w.at(r, k) * static_cast<double>(dy[r]));
  return sum;
}

inline constexpr int64_t kTokenCounts[] = {1, 2, 3, 5, 7, 8, 9, 16, 31, 33};

struct Case {
  NamedTable level;
  quant::DType type;
};

inline std::vector<Case> all_cases(std::span<const quant::DType> types) {
  std::vector<Case> cases;
  for (const NamedTable& level : matmul_levels()) {
    for (const quant::DType type : types) cases.push_back({level, type});
  }
  return cases;
}

inline std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.level.name) + "_" + std::string(quant::name(info.param.type));
}

// Rows 1 to 50 and one to nine blocks (up to five superblocks), another pair for each token count.
inline Matrix random_matrix(quant::DType type, std::mt19937& random) {
  const int64_t block = quant::is_float(type) ? 32 : quant::info(type).block_elements;
  const auto blocks = static_cast<int64_t>(1 + random() % (block == 32 ? 9 : 5));
  return {type, static_cast<int64_t>(1 + random() % 50), block * blocks, random};
}

class MatmulTest : public ::testing::TestWithParam<Case> {
 protected:
  const MatmulKernels& kernels() const { return *GetParam().level.table; }
  std::mt19937 random_{20240};
  std::vector<float> scratch_ = std::vector<float>(static_cast<size_t>(kScratchFloats));
};

// Rounding to bf16, of 8 bits, is off by half of 2^-7 at most, in the mean square by 2^-7 / sqrt(12) = 2.3e-3 of
// numbers just above a power of two and by 1.6e-3 of all alike; a product of two by 3.2e-3 and 2.3e-3.
inline constexpr double kMostOfBf16 = 3.5e-3;

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

// The integer products of a level and of its emulation are the same, and their sums are formed in one order.
inline void expect_the_bits_of(const MatmulKernels& emulated, const MatmulKernels& native,
                               std::initializer_list<int64_t> tokens) {
  compare_products(native, emulated, 45, tokens, [](const Products& n, const Products& e, const std::string& where) {
    EXPECT_EQ(n.forward, e.forward) << where;
    EXPECT_EQ(n.backward, e.backward) << where;
  });
}

}  // namespace patina::kernels::testing
