#if defined(__x86_64__)

#include <gtest/gtest.h>

#include "kernels/levels.h"
#include "kernels/matmul_cases.h"
#include "kernels/matmul_levels.h"
#include "kernels/zen4_emulated.h"

namespace patina::kernels {
namespace {

TEST(Zen4, TheInstructionsGiveTheBitsOfTheEmulation) {
  if (!testing::is_available(Level::kAvx512)) {
    GTEST_SKIP() << "this processor has no AVX-512; of Zen 4 only the emulation is tested";
  }
  testing::expect_the_bits_of(testing::kMatmulZen4Emulated, kMatmulZen4, {1, 2, 3, 4, 5, 6, 7, 8, 9, 19});
}

}  // namespace
}  // namespace patina::kernels

#endif
