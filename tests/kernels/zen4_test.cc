#if defined(__x86_64__)

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "kernels/levels.h"
#include "kernels/matmul_fixture.h"
#include "kernels/matmul_levels.h"
#include "kernels/zen4_emulated.h"

namespace patina::kernels {
namespace {

TEST(Zen4, TheInstructionsGiveTheBitsOfTheEmulation) {
  if (!testing::is_available(Level::kAvx512)) {
    GTEST_SKIP() << "this processor has no AVX-512; of Zen 4 only the emulation is tested";
  }
  std::mt19937 random(5);
  for (const quant::DType type : testing::kQuantizedTypes) {
    const testing::Matrix w(type, 45, 3 * 256, random);
    for (const int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 19}) {
      const std::vector<float> x = testing::random_floats(m * w.cols, random);
      const std::vector<float> dy = testing::random_floats(m * w.rows, random);
      const testing::Products native = testing::products(kMatmulZen4, w, x, dy, m);
      const testing::Products emulated = testing::products(testing::kMatmulZen4Emulated, w, x, dy, m);
      EXPECT_EQ(native.forward, emulated.forward) << quant::name(type) << " m=" << m;
      EXPECT_EQ(native.backward, emulated.backward) << quant::name(type) << " m=" << m;
    }
  }
}

}  // namespace
}  // namespace patina::kernels

#endif
