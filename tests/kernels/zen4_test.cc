#if defined(__x86_64__)

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/kv_tile_compare.h"
#include "kernels/levels.h"
#include "kernels/matmul_cases.h"
#include "kernels/matmul_levels.h"
#include "kernels/zen4_emulated.h"
#include "platform/cpu_features.h"

namespace patina::kernels {
namespace {

TEST(Zen4, TheInstructionsGiveTheBitsOfTheEmulation) {
  if (!testing::is_available(Level::kAvx512)) {
    GTEST_SKIP() << "this processor has no AVX-512; of Zen 4 only the emulation is tested";
  }
  testing::expect_the_bits_of(testing::kMatmulZen4Emulated, kMatmulZen4, {1, 2, 3, 4, 5, 6, 7, 8, 9, 19});
}

TEST(Zen4, TheEmulationMultipliesWithTilesOfACacheInBf16) {
  if (!testing::is_available(Level::kAvx2)) GTEST_SKIP() << "this processor has no AVX2";
  testing::KvTileCompare compare(testing::kKvTileZen4Emulated, kKvTileScalarBf16);
  EXPECT_THAT(compare.differences(), ::testing::IsEmpty());
}

TEST(Zen4, MultipliesWithTilesOfACacheInBf16) {
  if (!testing::is_available(Level::kAvx512) || !platform::detect_cpu_features().avx512bf16) {
    GTEST_SKIP() << "this processor has no AVX-512 BF16; of its products only the emulation is tested";
  }
  testing::KvTileCompare compare(kKvTileZen4, kKvTileScalarBf16);
  EXPECT_THAT(compare.differences(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace patina::kernels

#endif
