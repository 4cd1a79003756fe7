#include "kernels/vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "kernels/dispatch.h"
#include "kernels/vector_compare.h"

// The scalar level against f64 formulas and finite differences, every other level against scalar.
namespace patina::kernels {
namespace {

using testing::Floats;

class VectorLevel : public ::testing::TestWithParam<Level> {
 protected:
  const VectorKernels& kernels() const { return kernels_for(GetParam()).vector; }
};

INSTANTIATE_TEST_SUITE_P(Levels, VectorLevel, ::testing::ValuesIn(available_levels()),
                         [](const auto& param) { return std::string(kernels_for(param.param).name); });

TEST_P(VectorLevel, AgreesWithScalar) {
  if (GetParam() == Level::kScalar) GTEST_SKIP() << "it is the reference";
  testing::VectorCompare compare(kernels(), kernels_for(Level::kScalar).vector);
  EXPECT_THAT(compare.differences(), ::testing::IsEmpty());
}

TEST_P(VectorLevel, MatrixProductsMatchPlainSums) {
  EXPECT_THAT(testing::sgemm_differences(kernels()), ::testing::IsEmpty());
}

TEST_P(VectorLevel, ExponentialIsWithinTwoUlp) {
  for (double from = -87.0; from < 88.7; from += 1.0 / 64) {
    Floats x = testing::Floats(16);
    Floats in(16);
    for (size_t i = 0; i < x.size(); ++i) in[i] = x[i] = static_cast<float>(from + static_cast<double>(i) / 1037.0);
    kernels().sum_exp(x.data(), 0.0F, 16);
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(static_cast<double>(in[i]));
      ASSERT_NEAR(static_cast<double>(x[i]), exact, 2 * 0x1p-23 * exact) << in[i];
    }
  }
}

TEST_P(VectorLevel, MaskedPositionsWeighNothing) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  Floats x(37, -kInf);
  x[5] = 2.0F;
  x[36] = 2.0F;
  EXPECT_EQ(kernels().max(x.data(), 37), 2.0F);
  EXPECT_EQ(kernels().sum_exp(x.data(), 2.0F, 37), 2.0F);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(x[i], i == 5 || i == 36 ? 1.0F : 0.0F);
  EXPECT_EQ(kernels().max(x.data(), 0), -kInf);
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double silu(double g) { return g * sigmoid(g); }
double gelu(double g) { return 0.5 * g * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (g + 0.044715 * g * g * g))); }

struct Gate {
  double (*exact)(double);
  decltype(VectorKernels::silu_mul) VectorKernels::* forward;
  decltype(VectorKernels::silu_mul_backward) VectorKernels::* backward;
};
constexpr Gate kGates[] = {{silu, &VectorKernels::silu_mul, &VectorKernels::silu_mul_backward},
                           {gelu, &VectorKernels::gelu_mul, &VectorKernels::gelu_mul_backward}};

TEST_P(VectorLevel, GatesMatchTheirFormulasAndFiniteDifferences) {
  std::mt19937 random(3);
  const int64_t n = 1003;
  const Floats g = testing::random_vector(n, random, 2.5F);
  const Floats up = testing::random_vector(n, random);
  const Floats dout = testing::random_vector(n, random);
  Floats out(g.size());
  Floats dgate(g.size());
  Floats dup(g.size());
  for (const Gate& gate : kGates) {
    (kernels().*gate.forward)(g.data(), up.data(), out.data(), n);
    (kernels().*gate.backward)(g.data(), up.data(), dout.data(), dgate.data(), dup.data(), n);
    for (size_t i = 0; i < g.size(); ++i) {
      const double x = g[i];
      const double value = gate.exact(x);
      const double h = 1e-5;
      const double slope = (gate.exact(x + h) - gate.exact(x - h)) / (2 * h);
      const double u = up[i];
      const double d = dout[i];
      ASSERT_NEAR(static_cast<double>(out[i]), value * u, 2e-6 * std::abs(value * u) + 1e-7 * std::abs(u)) << x;
      ASSERT_NEAR(static_cast<double>(dup[i]), value * d, 2e-6 * std::abs(value * d) + 1e-7 * std::abs(d)) << x;
      ASSERT_NEAR(static_cast<double>(dgate[i]), d * u * slope, 1e-5 * std::abs(d * u) * (0.1 + std::abs(slope))) << x;
    }
  }
}

TEST_P(VectorLevel, RmsNormMatchesItsFormulaAndFiniteDifferences) {
  std::mt19937 random(4);
  const int64_t n = 97;
  const Floats x = testing::random_vector(n, random, 2.0F);
  const Floats w = testing::random_vector(n, random);
  const Floats dy = testing::random_vector(n, random);
  std::vector<double> point(x.begin(), x.end());
  const auto norm = [&](size_t i) {
    double squares = 0;
    for (const double v : point) squares += v * v;
    return point[i] / std::sqrt(squares / static_cast<double>(n) + 1e-5) * static_cast<double>(w[i]);
  };
  Floats y(x.size());
  const float inv_rms = kernels().rms_norm(x.data(), w.data(), 1e-5F, y.data(), n);
  Floats dx(x.size(), 0.25F);
  kernels().rms_norm_backward(x.data(), w.data(), inv_rms, dy.data(), dx.data(), n);
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(y[i]), norm(i), 1e-6 * std::abs(norm(i)) + 1e-9);
    const auto loss = [&](double moved) {
      const double kept = point[i];
      point[i] = moved;
      double sum = 0;
      for (size_t j = 0; j < point.size(); ++j) sum += norm(j) * static_cast<double>(dy[j]);
      point[i] = kept;
      return sum;
    };
    const double slope = (loss(point[i] + 1e-5) - loss(point[i] - 1e-5)) / 2e-5;
    ASSERT_NEAR(static_cast<double>(dx[i]), 0.25 + slope, 2e-6);
  }
}

TEST_P(VectorLevel, RopeTurnsPairsByTheirAngle) {
  for (const RopeLayout layout : {RopeLayout::kNorm, RopeLayout::kNeox}) {
    for (const int64_t n : {2, 6, 64, 80}) {
      const auto half = static_cast<size_t>(n / 2);
      std::mt19937 random(6);
      const Floats x = testing::random_vector(n, random);
      Floats cos(half);
      Floats sin(half);
      for (size_t i = 0; i < half; ++i) {
        cos[i] = std::cos(0.1F * static_cast<float>(i + 1));
        sin[i] = std::sin(0.1F * static_cast<float>(i + 1));
      }
      Floats turned(x);
      kernels().rope(turned.data(), cos.data(), sin.data(), n, layout);
      for (size_t i = 0; i < half; ++i) {
        const size_t first = layout == RopeLayout::kNorm ? 2 * i : i;
        const size_t second = layout == RopeLayout::kNorm ? 2 * i + 1 : i + half;
        const double angle = std::atan2(static_cast<double>(x[second]), static_cast<double>(x[first])) +
                             static_cast<double>(static_cast<float>(i + 1)) * 0.1;
        const double radius = std::hypot(static_cast<double>(x[first]), static_cast<double>(x[second]));
        ASSERT_NEAR(static_cast<double>(turned[first]), radius * std::cos(angle), 1e-6);
        ASSERT_NEAR(static_cast<double>(turned[second]), radius * std::sin(angle), 1e-6);
      }
      for (float& s : sin) s = -s;
      kernels().rope(turned.data(), cos.data(), sin.data(), n, layout);
      for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(turned[i], x[i], 1e-6F);
    }
  }
}

}  // namespace
}  // namespace patina::kernels
