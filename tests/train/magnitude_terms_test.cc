#include "train/magnitude_terms.h"

#include <fmt/format.h>

#include "adapter/weight_change.h"
#include "io/model_file.h"
#include "model/golden_gradients.h"
#include "train/data/batch.h"
#include "train/loss.h"
#include "train/test_support.h"
#include "train/workshop.h"

// Adapters with magnitudes (DoRA) against PyTorch, in f64 there (scripts/golden/gradients.py).
namespace patina::train {
namespace {

using model::expect_near;
using model::floats;
using model::golden_gradients;

// The sequences of a case, with loss where they say.
std::vector<Example> examples_of(const io::ModelFile& expected) {
  std::vector<Example> examples(2);
  for (size_t i = 0; i < examples.size(); ++i) {
    for (const int64_t token : expected.metadata().get_ints(fmt::format("tokens.{}", i))) {
      examples[i].tokens.push_back(static_cast<TokenId>(token));
    }
    const auto response = expected.metadata().get_ints(fmt::format("response.{}", i));
    const size_t end = response.size();
    const auto first = static_cast<size_t>(std::ranges::find(response, 1) - response.begin());
    examples[i].loss = {{first, end}};
  }
  return examples;
}

class MagnitudeTest : public testing::TestWithParam<std::string> {
 protected:
  MagnitudeTest() {
    adapter::attach_lora(lora_, "adapter", 1.0F, {model_->sites(), model_->hyper().architecture, 0, &weights_},
                         attachment_, {});
  }

  ThreadPool pool_{2};
  tensor::BufferPool buffers_;
  ops::Context context_{
      .pool = pool_, .kernels = kernels::default_kernels(), .buffers = buffers_, .recorder = nullptr, .precise = true};
  std::unique_ptr<model::Model> model_ =
      model::Model::load(io::ModelFile::open(golden_gradients(GetParam() + ".gguf")), pool_);
  adapter::BaseWeights weights_{model_->file(), pool_, context_.kernels};
  std::unique_ptr<io::ModelFile> expected_ = io::ModelFile::open(golden_gradients(GetParam() + "-dora-expected.gguf"));
  adapter::LoraAdapter lora_ = adapter::load_lora(golden_gradients(GetParam() + "-dora-adapter.gguf"));
  adapter::Attachment attachment_{model_->sites().size()};
};

TEST_P(MagnitudeTest, GradientsEqualPyTorch) {
  for (const bool recompute : {false, true}) {
    Parameters parameters(lora_, buffers_, {});
    const MagnitudeTerms terms(*model_, lora_, attachment_, context_);
    ASSERT_FALSE(terms.empty());
    const ExampleList examples(examples_of(*expected_));
    const std::vector<Batch> batches = pack(examples, data_order(2), 100);
    ASSERT_EQ(batches.size(), 1);
    const LossSum sum =
        add_gradients({*model_, context_, attachment_}, batches[0], StepSize::of(batches), recompute, parameters);
    EXPECT_NEAR(sum.mean(), floats(expected_->require("loss"))[0], 1e-5);
    const std::vector<ParameterState> state = parameters.state();
    ASSERT_EQ(state.size(), 3 * lora_.entries.size());
    for (size_t i = 0; i < state.size(); ++i) {
      const size_t dot = state[i].name.rfind('.');
      const std::string name = state[i].name.substr(0, dot) + ".weight" + state[i].name.substr(dot) + ".grad";
      expect_near(parameters.gradients()[i], floats(expected_->require(name)), name);
    }
  }
}

// The lengths that training follows are those that the adapter is applied with.
TEST_P(MagnitudeTest, GainsAreThoseOfTheFile) {
  const MagnitudeTerms terms(*model_, lora_, attachment_, context_);
  for (const adapter::LoraEntry& entry : lora_.entries) {
    for (float& b : entry.b.values()) b *= -1.5F;
    for (float& m : entry.magnitude.values()) m += 0.1F;
  }
  terms.update(context_);
  for (size_t site = 0; site < model_->sites().size(); ++site) {
    const auto entry = std::ranges::find(lora_.entries, model_->sites()[site].name, &adapter::LoraEntry::site);
    if (entry == lora_.entries.end()) continue;  // embeddings and the output
    const ops::Tensor expected = adapter::gains(*entry, lora_.scale(*entry), weights_);
    expect_near(attachment_.at(site).front().gain.values(), expected.values(), entry->site);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, MagnitudeTest, testing::Values("llama", "qwen2"));

// New magnitudes change nothing; trained, saved, resumed and averaged they act as they are saved.
TEST(Magnitudes, TrainAndResume) {
  const TemporaryFolder folder;
  TrainOptions options;
  options.epochs = 30;
  options.learning_rate = 1e-2;
  options.parameters.average_decay = 0.5;
  options.adapter_type = quant::DType::kF32;
  Workshop workshop(2);
  const TrainResult whole = workshop.magnitude_trainer(options, folder / "whole").run({});
  ASSERT_TRUE(whole.finished);
  EXPECT_LT(whole.rows[0].after, 0.5 * whole.rows[0].before);

  TrainObserver observer;
  int steps = 0;
  observer.on_step = [&](const StepRecord& /*record*/, double /*seconds_left*/) { ++steps; };
  observer.stop = [&] { return steps >= 12; };
  EXPECT_FALSE(workshop.magnitude_trainer(options, folder / "parts").run(observer).finished);
  options.resume = true;
  EXPECT_TRUE(workshop.magnitude_trainer(options, folder / "parts").run({}).finished);
  EXPECT_EQ(read_file(folder / "parts"), read_file(folder / "whole"));

  const adapter::LoraAdapter saved = adapter::load_lora(folder / "whole");
  EXPECT_TRUE(saved.has_magnitudes());
  const adapter::BaseWeights weights{workshop.model().file(), workshop.context().pool, workshop.context().kernels};
  adapter::Attachment attachment(workshop.model().sites().size());
  adapter::attach_lora(saved, "saved", 1.0F, {workshop.model().sites(), "llama", 0, &weights}, attachment, {});
  EXPECT_NEAR(mean_loss({workshop.model(), workshop.context(), attachment}, some_examples()[0]), whole.rows[0].after,
              2e-3);
}

}  // namespace
}  // namespace patina::train
