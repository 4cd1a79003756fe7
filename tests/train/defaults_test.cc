#include "train/defaults.h"

#include "train/test_support.h"

namespace patina::train {
namespace {

TEST(Defaults, FewRowsGetManyEpochs) {
  EXPECT_EQ(default_epochs({2, 32}), 80);
  EXPECT_EQ(default_epochs({2, 1}), 40);
  EXPECT_EQ(default_epochs({100, 8}), 7);
  EXPECT_EQ(default_epochs({5000, 8}), 3);
  EXPECT_EQ(default_epochs({50000, 8}), 1);
}

TEST(Defaults, LargeModelsLearnMoreSlowly) {
  EXPECT_DOUBLE_EQ(default_learning_rate(2'000'000), 8e-3);
  EXPECT_NEAR(default_learning_rate(270'000'000), 1e-3, 1e-9);
  EXPECT_DOUBLE_EQ(default_learning_rate(13'000'000'000), 2e-4);
  EXPECT_GT(default_learning_rate(2'000'000'000), default_learning_rate(4'000'000'000));
}

TEST(Defaults, WarmupIsAShareOfTheSteps) {
  EXPECT_EQ(default_warmup(1), 1);
  EXPECT_EQ(default_warmup(80), 2);
  EXPECT_EQ(default_warmup(1000), 30);
}

TEST(LearningHint, SaysWhatIsTooLittle) {
  EXPECT_EQ(learning_hint({2, 1}, 2, 1e-4, 1e-3), "4 optimizer steps are too few for 2 rows; try --epochs 30");
  EXPECT_EQ(learning_hint({1, 1}, 1, 1e-3, 1e-3), "1 optimizer step is too few for 1 row; try --epochs 60");
  EXPECT_THAT(learning_hint({2, 1}, 40, 1e-6, 8e-3), testing::HasSubstr("try --learning-rate 0.008"));
  EXPECT_EQ(learning_hint({2, 1}, 30, 1e-3, 1e-3), "");
  EXPECT_EQ(learning_hint({1000, 8}, 1, 2e-4, 2e-4), "");
}

// What is done by default needs no hint.
TEST(LearningHint, IsSilentAboutTheDefaults) {
  for (const uint64_t rows : {1, 2, 10, 100, 1000, 100000}) {
    for (const uint64_t rows_per_step : {1, 8, 32}) {
      const Amount amount = {rows, rows_per_step};
      for (const Objective objective : {Objective::kLikelihood, Objective::kDpo, Objective::kOrpo}) {
        const double rate = default_learning_rate(7'000'000'000, OptimizerKind::kAdamW, objective);
        EXPECT_EQ(learning_hint(amount, default_epochs(amount), rate, rate), "");
      }
    }
  }
}

}  // namespace
}  // namespace patina::train
