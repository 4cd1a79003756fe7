#include "train/optimizer/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "train/clipping.h"
#include "train/optimizer/block_quantizer.h"
#include "train/schedule.h"
#include "train/test_support.h"
#include "train/weight_average.h"

namespace patina::train {
namespace {

using Values = std::vector<std::vector<float>>;

std::vector<std::span<float>> spans(Values& values) { return {values.begin(), values.end()}; }
std::vector<std::span<const float>> constant(const Values& values) { return {values.begin(), values.end()}; }

// Of scripts/golden/optimizer.py.
nlohmann::json golden(const char* part) {
  return nlohmann::json::parse(read_file(PATINA_SOURCE_DIR "/tests/golden/train/optimizer.json")).at(part);
}

OptimizerKind kind_of(const std::string& name) {
  const std::optional<OptimizerKind> kind = optimizer_from_name(name);
  EXPECT_TRUE(kind) << name;
  return kind.value_or(OptimizerKind::kAdamW);
}

OptimizerOptions options_of(const nlohmann::json& run) {
  OptimizerOptions options;
  options.kind = kind_of(run.at("optimizer").get<std::string>());
  options.beta1 = run.at("beta1").get<double>();
  if (run.contains("beta2")) options.beta2 = run.at("beta2").get<double>();
  options.weight_decay = run.at("weight_decay");
  return options;
}

std::unique_ptr<Optimizer> make(const Values& values, const OptimizerOptions& options) {
  std::vector<OptimizedParameter> parameters;
  for (const std::vector<float>& value : values) parameters.push_back({value.size()});
  return make_optimizer(parameters, options);
}

void expect_near(const Values& got, const Values& expected, float tolerance, const std::string& where) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t p = 0; p < got.size(); ++p) {
    ASSERT_EQ(got[p].size(), expected[p].size());
    for (size_t i = 0; i < got[p].size(); ++i) EXPECT_NEAR(got[p][i], expected[p][i], tolerance) << where << " " << i;
  }
}

TEST(Optimizer, DoesWhatOthersDo) {
  for (const auto& run : golden("runs")) {
    const std::string name = run.at("optimizer");
    auto values = run.at("before").get<Values>();
    const std::unique_ptr<Optimizer> optimizer = make(values, options_of(run));
    WeightAverage average(spans(values), run.at("average_decay"));
    // Bitsandbytes rounds small moments less well, see below: a few percent of a step.
    const float tolerance = name == "adamw8bit" ? 5e-4F : 2e-6F;
    for (const auto& step : run.at("steps")) {
      auto gradients = step.at("gradients").get<Values>();
      EXPECT_NEAR(clip_global_norm(spans(gradients), run.at("max_norm")) / step.at("norm").get<double>(), 1, 1e-6);
      optimizer->step(spans(values), constant(gradients), run.at("rate"));
      expect_near(values, step.at("after").get<Values>(), tolerance, name);
      average.update(spans(values), optimizer->steps());
      Values averages = values;
      average.swap(spans(averages));
      expect_near(averages, step.at("average").get<Values>(), tolerance, name + " average");
      average.swap(spans(averages));
    }
  }
}

TEST(Optimizer, GoesOnFromItsState) {
  for (const char* name : {"adamw", "adamw8bit", "lion", "sgd"}) {
    const Values gradients = {{0.5F, -2, 1e-3F, 0, 7}};
    Values unbroken = {{1, 2, 3, 4, 5}};
    const OptimizerOptions options = {.kind = kind_of(name)};
    const std::unique_ptr<Optimizer> first = make(unbroken, options);
    first->step(spans(unbroken), constant(gradients), 0.1);
    Values resumed = unbroken;
    const std::unique_ptr<Optimizer> second = make(resumed, options);
    second->set_steps(first->steps());
    const std::vector<StateArray> from = first->state(0);
    const std::vector<StateArray> to = second->state(0);
    ASSERT_EQ(from.size(), to.size());
    for (size_t i = 0; i < from.size(); ++i) {
      EXPECT_EQ(from[i].name, to[i].name);
      EXPECT_EQ(from[i].bytes.size() % 4, 0);
      std::ranges::copy(from[i].bytes, to[i].bytes.begin());
    }
    first->step(spans(unbroken), constant(gradients), 0.05);
    second->step(spans(resumed), constant(gradients), 0.05);
    EXPECT_EQ(unbroken, resumed) << name;
  }
}

TEST(Optimizer, TakesARateForEachParameter) {
  Values values = {{0}, {0}};
  const std::vector<OptimizedParameter> parameters = {{1}, {1, 16}};
  make_optimizer(parameters, {.kind = OptimizerKind::kSgd})->step(spans(values), constant({{1}, {1}}), 0.5);
  EXPECT_EQ(values, (Values{{-0.5F}, {-8}}));
}

TEST(Optimizer, RefusesOptionsOutOfRange) {
  const auto refused = [](const OptimizerOptions& options, const std::string& part) {
    expect_error([&] { make({{1}}, options); }, ErrorKind::kInvalidArgument, part);
  };
  refused({.beta1 = 1.0}, "--beta1");
  refused({.beta2 = -0.1}, "--beta2");
  refused({.epsilon = 0}, "--epsilon");
  refused({.weight_decay = -1}, "weight decay");
  EXPECT_FALSE(optimizer_from_name("adam"));
}

// Bitsandbytes' program for the CPU finds codes through a coarse table, so that small numbers may miss the nearest one.
TEST(BlockQuantizer, DoesWhatBitsandbytesDoesOrBetter) {
  for (const auto& expected : golden("quantizers")) {
    const BlockQuantizer quantizer(expected.at("signed").get<bool>());
    const auto table = expected.at("table").get<std::vector<float>>();
    ASSERT_EQ(table.size(), quantizer.table().size());
    for (size_t i = 0; i < table.size(); ++i) EXPECT_NEAR(quantizer.table()[i], table[i], 1e-7F);
    const auto values = expected.at("values").get<std::vector<float>>();
    const auto codes = expected.at("codes").get<std::vector<int>>();
    const auto back = expected.at("back").get<std::vector<float>>();
    QuantizedArray array = quantizer.zeros(values.size());
    size_t different = 0;
    EXPECT_EQ(array.largest.size(), 2);
    for (size_t block = 0; block < 2; ++block) {
      const size_t begin = block * kQuantizedBlock;
      const auto part = std::span(values).subspan(begin, std::min(kQuantizedBlock, values.size() - begin));
      quantizer.write(part, array, block);
      EXPECT_EQ(array.largest[block], expected.at("largest")[block].get<float>());
      std::vector<float> read(part.size());
      quantizer.read(array, block, read);
      for (size_t i = 0; i < read.size(); ++i) {
        const float rounding = 1e-7F * array.largest[block];
        EXPECT_LE(std::abs(read[i] - part[i]), std::abs(back[begin + i] - part[i]) + rounding);
        if (array.codes[begin + i] != codes[begin + i]) ++different;
      }
    }
    EXPECT_LT(different, values.size() / 5);
  }
}

TEST(WeightAverage, KeepsNothingUnlessAsked) {
  Values values = {{1, 2}};
  WeightAverage average(spans(values), 0);
  EXPECT_FALSE(average.enabled());
  average.update(spans(values), 1);
  average.swap(spans(values));
  EXPECT_EQ(values, (Values{{1, 2}}));
  expect_error([&] { WeightAverage(spans(values), 1); }, ErrorKind::kInvalidArgument, "--ema");
}

TEST(ClipGlobalNorm, LeavesSmallAndBrokenGradientsAlone) {
  Values gradients = {{3, 0}, {4}};
  const Values before = gradients;
  EXPECT_EQ(clip_global_norm(spans(gradients), 5), 5);
  EXPECT_EQ(gradients, before);
  EXPECT_EQ(clip_global_norm(spans(gradients), 0), 5);
  EXPECT_EQ(gradients, before);
  gradients[0][0] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(clip_global_norm(spans(gradients), 1)));
  EXPECT_EQ(gradients[1][0], 4);
}

TEST(Schedule, IsTransformersAfterWarmUp) {
  for (const auto& expected : golden("schedules")) {
    const Schedule schedule = {
        .peak = expected.at("peak"),
        .steps = expected.at("steps"),
        .warmup = expected.at("warmup"),
        .minimum = expected.at("minimum"),
        .kind = schedule_from_name(expected.at("schedule").get<std::string>()).value_or(ScheduleKind::kConstant),
        .cycles = expected.at("cycles"),
        .decay_share = expected.at("decay_share")};
    const auto rates = expected.at("rates").get<std::vector<double>>();
    for (size_t step = 0; step < rates.size(); ++step) {
      EXPECT_NEAR(schedule.at(step), rates[step], 1e-12) << expected.at("schedule") << " " << step;
    }
  }
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
