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

}  // namespace
}  // namespace patina::measure
