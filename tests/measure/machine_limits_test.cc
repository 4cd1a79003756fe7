#include "measure/machine_limits.h"

#include <gtest/gtest.h>

namespace patina::measure {
namespace {

TEST(MachineLimits, AreMeasuredWhereTheLevelHasThem) {
  ThreadPool pool(2);
  for (const kernels::Level level : kernels::available_levels()) {
    const kernels::Kernels& kernels = kernels::kernels_for(level);
    const MachineLimits limits = measure_limits(pool, kernels);
    EXPECT_GT(limits.read_bandwidth, 0) << kernels.name;
    EXPECT_EQ(limits.int8_peak > 0, level != kernels::Level::kScalar) << kernels.name;
    EXPECT_EQ(limits.int16_peak > 0, level != kernels::Level::kScalar) << kernels.name;
    EXPECT_EQ(limits.f32_peak > 0, level != kernels::Level::kScalar) << kernels.name;
  }
}

TEST(MachineLimits, BandwidthTakesMemoryThatNoCacheHoldsOrNone) {
  constexpr uint64_t kMiB = uint64_t{1} << 20U;
  EXPECT_EQ(bandwidth_bytes(0), 512 * kMiB) << "not known";
  EXPECT_EQ(bandwidth_bytes(1), 0);
  EXPECT_EQ(bandwidth_bytes(64 * kMiB), 0) << "16 MiB are in many a cache";
  EXPECT_EQ(bandwidth_bytes(512 * kMiB), 128 * kMiB);
  EXPECT_EQ(bandwidth_bytes(1024 * kMiB), 256 * kMiB);
  EXPECT_EQ(bandwidth_bytes(1024 * 1024 * kMiB), 512 * kMiB);
}

}  // namespace
}  // namespace patina::measure
