#if defined(__x86_64__)

#include <gtest/gtest.h>

#include <string>

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
  testing::compare_products(
      kMatmulZen4, testing::kMatmulZen4Emulated, 45, {1, 2, 3, 4, 5, 6, 7, 8, 9, 19},
      [](const testing::Products& native, const testing::Products& emulated, const std::string& where) {
        EXPECT_EQ(native.forward, emulated.forward) << where;
        EXPECT_EQ(native.backward, emulated.backward) << where;
      });
}

}  // namespace
}  // namespace patina::kernels

#endif
