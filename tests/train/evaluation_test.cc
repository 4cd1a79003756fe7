#include "train/evaluation.h"

#include "train/test_support.h"

namespace patina::train {
namespace {

using testing::HasSubstr;

TEST(BestSoFar, CountsEvaluationsSinceTheBest) {
  BestSoFar best;
  EXPECT_TRUE(best.take(2, 10));
  EXPECT_FALSE(best.take(2, 20));
  EXPECT_FALSE(best.take(3, 30));
  EXPECT_EQ(best.step, 10);
  EXPECT_EQ(best.evaluations_since_best, 2);
  EXPECT_TRUE(best.take(1, 40));
  EXPECT_EQ(best.evaluations_since_best, 0);
}

TEST(Diagnosis, SaysOnceThatTheLossRises) {
  Diagnosis diagnosis(1e-3);
  uint64_t step = 0;
  for (int i = 0; i < 40; ++i) EXPECT_EQ(diagnosis.after_step(++step, 3 - 0.05 * i), "");
  std::string told;
  for (int i = 0; i < 40; ++i) told += diagnosis.after_step(++step, 4);
  EXPECT_THAT(told, HasSubstr("--learning-rate 0.0003"));
  EXPECT_EQ(told.find("the loss rises"), told.rfind("the loss rises"));
}

TEST(Diagnosis, TakesNoiseForNoise) {
  Diagnosis diagnosis(1e-3);
  for (uint64_t step = 1; step <= 200; ++step) EXPECT_EQ(diagnosis.after_step(step, step % 2 == 0 ? 1.2 : 0.8), "");
}

TEST(Diagnosis, SaysOnceThatTheRunOverfits) {
  Diagnosis diagnosis(1e-3);
  const auto evaluation = [](uint64_t step, double loss, double train_loss) {
    EvaluationRecord record;
    record.step = step;
    record.loss = loss;
    record.train_loss = train_loss;
    return record;
  };
  EXPECT_EQ(diagnosis.after_evaluation(evaluation(10, 2.0, 2.0)), "");
  EXPECT_EQ(diagnosis.after_evaluation(evaluation(20, 1.5, 1.4)), "");
  EXPECT_EQ(diagnosis.after_evaluation(evaluation(30, 1.6, 1.0)), "");
  const std::string told = diagnosis.after_evaluation(evaluation(40, 1.7, 0.8));
  EXPECT_THAT(told, HasSubstr("1.500 at step 20 and is 1.700 now"));
  EXPECT_THAT(told, HasSubstr("--patience"));
  EXPECT_EQ(diagnosis.after_evaluation(evaluation(50, 1.8, 0.7)), "");
}

}  // namespace
}  // namespace patina::train
