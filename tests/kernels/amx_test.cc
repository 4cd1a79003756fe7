#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"
#include "kernels/amx_emulated.h"
#include "kernels/dispatch.h"
#include "kernels/matmul_fixture.h"
#include "kernels/matmul_levels.h"

// That the emulation of AMX, which matmul_test.cc takes through all its tests, is one: its instruction against sums of
// products written down from the manual (Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2,
// TDPBF16PS), and its products against those of a processor that has AMX.
namespace patina::kernels {
namespace {

TEST(Amx, TheEmulationAddsProductsOfBf16) {
  std::mt19937 random(6);
  float sums[256] = {};
  uint16_t a[512];
  uint16_t b[512];
  const auto number = [&] { return to_bf16(std::uniform_real_distribution<float>(-1, 1)(random)).bits; };
  std::generate(std::begin(a), std::end(a), number);
  std::generate(std::begin(b), std::end(b), number);
  testing::emulated_multiply_bf16(sums, a, b);
  for (size_t i = 0; i < 16; ++i) {
    for (size_t j = 0; j < 16; ++j) {
      double expected = 0;
      for (size_t k = 0; k < 32; ++k) {
        expected += static_cast<double>(to_f32(bf16{a[32 * i + k]})) * to_f32(bf16{b[32 * (k / 2) + 2 * j + k % 2]});
      }
      ASSERT_NEAR(sums[16 * i + j], expected, 1e-5) << i << ", " << j;
    }
  }
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += std::pow(static_cast<double>(a[i]) - b[i], 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(error / size);
}

TEST(Amx, TheInstructionsGiveWhatTheEmulationDoes) {
  if (!testing::is_available(Level::kAmx)) {
    GTEST_SKIP() << "this processor has no AMX; only its emulation is tested";
  }
  testing::compare_products(
      kernels_for(Level::kAmx).matmul, testing::kMatmulAmxEmulated, 345, {32, 47, 530},
      [](const testing::Products& native, const testing::Products& emulated, const std::string& where) {
        // Products are added in another order.
        EXPECT_LT(distance(native.forward, emulated.forward), 1e-5) << where;
        EXPECT_LT(distance(native.backward, emulated.backward), 1e-5) << where;
      });
}

}  // namespace
}  // namespace patina::kernels
