#include "train/optimizer.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "train/schedule.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

using Values = std::vector<std::vector<float>>;

std::vector<std::span<float>> spans(Values& values) { return {values.begin(), values.end()}; }
std::vector<std::span<const float>> constant(const Values& values) { return {values.begin(), values.end()}; }

// Against scripts/golden/optimizer.py: PyTorch's AdamW, clipping and schedule.
TEST(AdamW, DoesWhatPyTorchDoes) {
  const auto golden = nlohmann::json::parse(read_file(PATINA_SOURCE_DIR "/tests/golden/train/optimizer.json"));
  for (const auto& run : golden) {
    auto values = run.at("before").get<Values>();
    const std::vector<size_t> sizes = {values[0].size(), values[1].size()};
    AdamW optimizer(sizes, {.weight_decay = run.at("weight_decay")});
    const Schedule schedule = {run.at("peak"), run.at("steps").size(), run.at("warmup"), run.at("minimum")};
    for (const auto& step : run.at("steps")) {
      const double rate = schedule.at(optimizer.steps());
      EXPECT_NEAR(rate, step.at("learning_rate").get<double>(), 1e-12);
      auto gradients = step.at("gradients").get<Values>();
      EXPECT_NEAR(clip_global_norm(spans(gradients), run.at("max_norm")) / step.at("norm").get<double>(), 1, 1e-6);
      optimizer.step(spans(values), constant(gradients), rate);
      const auto after = step.at("after").get<Values>();
      for (size_t p = 0; p < values.size(); ++p) {
        for (size_t i = 0; i < values[p].size(); ++i) EXPECT_NEAR(values[p][i], after[p][i], 2e-6);
      }
    }
  }
}

TEST(AdamW, GoesOnFromItsState) {
  const std::vector<size_t> sizes = {3};
  const Values gradients = {{0.5F, -2, 1e-3F}};
  Values unbroken = {{1, 2, 3}};
  AdamW first(sizes, {});
  first.step(spans(unbroken), constant(gradients), 0.1);
  Values resumed = unbroken;
  AdamW second(sizes, {});
  second.set_steps(first.steps());
  std::ranges::copy(first.first_moment(0), second.first_moment(0).begin());
  std::ranges::copy(first.second_moment(0), second.second_moment(0).begin());
  first.step(spans(unbroken), constant(gradients), 0.05);
  second.step(spans(resumed), constant(gradients), 0.05);
  EXPECT_EQ(unbroken, resumed);
}

TEST(ClipGlobalNorm, LeavesSmallAndBrokenGradientsAlone) {
  Values gradients = {{3, 0}, {4}};
  const Values before = gradients;
  EXPECT_EQ(clip_global_norm(spans(gradients), 5), 5);
  EXPECT_EQ(gradients, before);
  gradients[0][0] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(clip_global_norm(spans(gradients), 1)));
  EXPECT_EQ(gradients[1][0], 4);
}

TEST(Schedule, WarmsUpAndDecays) {
  const Schedule schedule = {.peak = 1, .steps = 10, .warmup = 4, .minimum = 0.1};
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.25);
  EXPECT_DOUBLE_EQ(schedule.at(3), 1);
  EXPECT_DOUBLE_EQ(schedule.at(4), 1);
  EXPECT_DOUBLE_EQ(schedule.at(7), 0.55);
  EXPECT_DOUBLE_EQ(schedule.at(10), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(1000), 0.1);
}

}  // namespace
}  // namespace patina::train
