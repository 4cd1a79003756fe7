#include "train/preference.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "train/data/batch.h"
#include "train/loss.h"
#include "train/test_support.h"
#include "train/workshop.h"

namespace patina::train {
namespace {

void expect_close(double actual, double expected, const std::string& what) {
  EXPECT_NEAR(actual, expected, 1e-9 * std::max(1.0, std::abs(expected))) << what;
}

// scripts/golden/preference.py
TEST(Preference, LossesAndDerivativesAreTorchs) {
  const auto records = nlohmann::json::parse(read_file(PATINA_SOURCE_DIR "/tests/golden/train/preference.json"));
  ASSERT_EQ(records.size(), 20);
  for (const auto& record : records) {
    const auto pair = record.at("pair").get<std::vector<double>>();
    const PairLikelihood trained = {{pair[0], static_cast<size_t>(pair[2])}, {pair[1], static_cast<size_t>(pair[3])}};
    const PairLikelihood reference = {{pair[4], trained.chosen.tokens}, {pair[5], trained.rejected.tokens}};
    const double beta = record.at("beta");
    const PairLoss loss =
        record.at("objective") == "dpo" ? dpo_loss(trained, reference, beta) : orpo_loss(trained, beta);
    expect_close(loss.loss, record.at("loss"), record.dump());
    expect_close(loss.margin, record.at("margin"), record.dump());
    expect_close(loss.by_chosen, record.at("by_chosen"), record.dump());
    expect_close(loss.by_rejected, record.at("by_rejected"), record.dump());
  }
}

// A certain answer has no infinite loss.
TEST(Preference, CertaintyIsFinite) {
  const PairLoss loss = orpo_loss({{0.0, 3}, {-5.0, 3}}, 0.1);
  EXPECT_TRUE(std::isfinite(loss.loss));
  EXPECT_TRUE(std::isfinite(loss.by_chosen));
}

TEST(Preference, NamesAreKnown) {
  for (const Objective objective : {Objective::kLikelihood, Objective::kDpo, Objective::kOrpo}) {
    EXPECT_EQ(objective_from_name(objective_name(objective)), objective);
  }
  EXPECT_FALSE(objective_from_name("ppo"));
}

Example answer(std::vector<TokenId> prompt, const std::vector<TokenId>& answer) {
  const size_t begin = prompt.size();
  prompt.insert(prompt.end(), answer.begin(), answer.end());
  return {.tokens = prompt, .loss = {{begin, prompt.size()}}};
}

Example preference(const std::vector<TokenId>& prompt, const std::vector<TokenId>& chosen,
                   const std::vector<TokenId>& rejected) {
  Example example = answer(prompt, chosen);
  example.rejected = std::make_shared<const Example>(answer(prompt, rejected));
  return example;
}

std::vector<TokenId> long_prompt(TokenId last) {
  std::vector<TokenId> prompt(70);
  for (int i = 0; i < 70; ++i) prompt[static_cast<size_t>(i)] = 1 + i % 9;
  prompt.push_back(last);
  return prompt;
}

std::vector<Example> some_preferences() {
  return {preference(long_prompt(5), {9, 4, 2}, {3, 3, 7, 2}), preference({1, 8, 3}, {7, 6, 2}, {6, 2}),
          preference(long_prompt(6), {4, 2}, {9, 9, 2})};
}

// An adapter that does something, with its gradients.
class Trained {
 public:
  explicit Trained(Workshop& workshop, const std::string& targets = "all")
      : workshop_(workshop),
        lora_(new_adapter(workshop.model(), {.targets = targets}, "")),
        attachment_(workshop.model().sites().size()),
        parameters_(lora_, workshop.buffers(), {}) {
    float value = 0;
    for (const adapter::LoraEntry& entry : lora_.entries) {
      for (float& b : entry.b.values()) b = 0.05F * std::sin(value += 0.7F);
    }
    adapter::attach_lora(lora_, "new", 1, {workshop.model().sites(), "llama"}, attachment_, {});
  }

  LossSetting setting(const LossOptions& options) {
    return {workshop_.model(), workshop_.context(), attachment_, options};
  }

  LossSum learn(const LossOptions& options, const std::vector<Batch>& batches) {
    parameters_.zero_gradients();
    LossSum sum;
    const StepSize size = StepSize::of(batches);
    for (const Batch& batch : batches) sum.add(add_gradients(setting(options), batch, size, false, parameters_));
    return sum;
  }

  std::vector<float> gradients() const {
    std::vector<float> all;
    for (const std::span<float> part : parameters_.gradients()) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  adapter::LoraAdapter& lora() { return lora_; }

 private:
  Workshop& workshop_;
  adapter::LoraAdapter lora_;
  adapter::Attachment attachment_;
  Parameters parameters_;
};

std::vector<Batch> packed(const std::vector<Example>& examples, size_t most) {
  const ExampleList data(examples);
  return pack(data, data_order(data.size()), most);
}

void expect_same(const std::vector<float>& actual, const std::vector<float>& expected, float tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  float largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  EXPECT_GT(largest, 1e-5F);
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance * largest);
}

class PreferenceTraining : public testing::TestWithParam<Objective> {
 protected:
  PreferenceTraining() { workshop_.context().precise = true; }

  LossOptions options() const { return {.objective = GetParam(), .beta = 0.4}; }

  Workshop workshop_{2};
};

// Differences of the loss in f32 over steps of 1e-2: some 1e-2 of the largest gradient.
TEST_P(PreferenceTraining, GradientsAreThoseOfTheLoss) {
  Trained trained(workshop_, kAllMatrices);
  const std::vector<Batch> batches = packed(some_preferences(), 1000);
  ASSERT_EQ(batches.size(), 1);
  trained.learn(options(), batches);
  const std::vector<float> gradients = trained.gradients();
  float largest = 0;
  for (const float value : gradients) largest = std::max(largest, std::abs(value));
  size_t at = 0;
  for (const adapter::LoraEntry& entry : trained.lora().entries) {
    for (const ops::Tensor& half : {entry.a, entry.b}) {
      for (int64_t i = 0; i < half.size(); i += half.size() / 3) {
        constexpr float kStep = 1e-2F;
        float& value = half.data()[i];
        const float kept = value;
        const auto loss = [&](float changed) {
          value = changed;
          return batch_loss(trained.setting(options()), batches[0]).mean();
        };
        const double slope = (loss(kept + kStep) - loss(kept - kStep)) / (2.0 * kStep);
        value = kept;
        EXPECT_NEAR(gradients[at + static_cast<size_t>(i)], slope, 2e-2 * largest) << entry.site << " " << i;
      }
      at += static_cast<size_t>(half.size());
    }
  }
  EXPECT_EQ(at, gradients.size());
}

// A pass over all, with prompts computed once, is worth a pass over each.
TEST_P(PreferenceTraining, PassesAddUp) {
  Trained trained(workshop_, kAllMatrices);
  const LossSum whole = trained.learn(options(), packed(some_preferences(), 1000));
  const std::vector<float> expected = trained.gradients();
  const LossSum parts = trained.learn(options(), packed(some_preferences(), 1));
  expect_same(trained.gradients(), expected, 1e-4F);
  EXPECT_NEAR(parts.mean(), whole.mean(), 1e-5);
  EXPECT_EQ(parts.preference.pairs, 3);
  EXPECT_EQ(parts.tokens, 3 + 3 + 2);
}

TEST_P(PreferenceTraining, TheChosenAnswersGainOnTheOthers) {
  const TemporaryFolder folder;
  TrainOptions options;
  options.loss = this->options();
  options.epochs = 40;
  options.learning_rate = 1e-2;
  std::vector<double> margins;
  std::vector<double> losses;
  TrainObserver observer;
  observer.on_step = [&](const StepRecord& record, double /*left*/) {
    margins.push_back(record.preference.mean_margin());
    losses.push_back(record.loss);
  };
  workshop_.trainer(options, folder / "a", some_preferences()).run(observer);
  EXPECT_GT(margins.back(), margins.front() + 0.5);
  EXPECT_LT(losses.back(), 0.7 * losses.front());
}

INSTANTIATE_TEST_SUITE_P(Objectives, PreferenceTraining, testing::Values(Objective::kDpo, Objective::kOrpo),
                         [](const auto& each) { return std::string(objective_name(each.param)); });

// Before the first step both models are the same.
TEST(Preference, DpoBeginsWithoutPreference) {
  Workshop workshop(1);
  const adapter::Attachment none(workshop.model().sites().size());
  const std::vector<Batch> batches = packed(some_preferences(), 1000);
  const LossSum sum =
      batch_loss({workshop.model(), workshop.context(), none, {.objective = Objective::kDpo}}, batches[0]);
  EXPECT_NEAR(sum.mean(), std::log(2.0), 1e-12);
  EXPECT_EQ(sum.preference.preferred, 0);
}

// Preferences among other examples count as their chosen answers, and nothing of the others does.
TEST(Preference, MayStandAmongOtherExamplesWhenMeasured) {
  Workshop workshop(1);
  workshop.context().precise = true;
  const adapter::Attachment none(workshop.model().sites().size());
  const LossSetting setting{workshop.model(), workshop.context(), none};
  std::vector<Example> examples = some_preferences();
  examples.insert(examples.begin() + 1, answer({1, 8, 3}, {7, 2}));
  const std::vector<Batch> together = packed(examples, 1000);
  ASSERT_EQ(together.size(), 1);
  double expected = 0;
  for (const Example& example : examples) {
    expected += mean_loss(setting, example) * static_cast<double>(example.loss_tokens());
  }
  const LossSum sum = batch_loss(setting, together[0]);
  EXPECT_EQ(sum.tokens, 3 + 2 + 3 + 2);
  EXPECT_EQ(sum.examples, 4);
  EXPECT_EQ(sum.preference.pairs, 3);
  EXPECT_NEAR(sum.loss, expected, 1e-5 * expected);
  EXPECT_EQ(StepSize::of(together).tokens, 10);
  EXPECT_EQ(StepSize::of(together).pairs, 3);
}

// Examples that begin alike give the same loss and gradients together, where that is computed once, as each alone.
TEST(SharedBeginnings, ChangeNothing) {
  Workshop workshop(2);
  workshop.context().precise = true;
  const std::vector<Example> examples = {answer(long_prompt(5), {9, 4, 2}), answer({1, 8, 3}, {7, 2}),
                                         answer(long_prompt(5), {3, 3, 7, 2}), answer(long_prompt(6), {4, 2})};
  Trained trained(workshop);
  const std::vector<Batch> together = packed(examples, 1000);
  ASSERT_EQ(together.size(), 1);
  EXPECT_EQ(together[0].parts[2].shared, 70);  // the last token before the answer predicts it
  EXPECT_EQ(together[0].parts[3].shared, 70);
  EXPECT_EQ(together[0].tokens.size(), 73 + 4 + 4 + 2);
  EXPECT_EQ(together[0].example_tokens, 73 + 4 + 74 + 72);
  const LossSum sum = trained.learn({}, together);
  const std::vector<float> gradients = trained.gradients();
  const LossSum expected = trained.learn({}, packed(examples, 1));
  EXPECT_NEAR(sum.loss, expected.loss, 1e-5 * expected.loss);
  expect_same(gradients, trained.gradients(), 1e-4F);
}

}  // namespace
}  // namespace patina::train
