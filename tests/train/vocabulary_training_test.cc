#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "adapter/lora_adapter.h"
#include "train/loss.h"
#include "train/test_support.h"
#include "train/trainer.h"
#include "train/workshop.h"

// Adapters of the token embeddings and the output, alone and beside those of the blocks.
namespace patina::train {
namespace {

TrainOptions short_run(uint64_t epochs) {
  TrainOptions options;
  options.epochs = epochs;
  options.batch_size = 2;
  options.learning_rate = 0.01;
  return options;
}

class VocabularyTraining : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  TemporaryFolder folder_;
};

// Rows of the embeddings that no token took keep their values.
TEST_F(VocabularyTraining, TrainsTheEmbeddingsAndTheOutput) {
  for (const char* targets : {"token_embd", "output", kAllMatrices}) {
    Workshop workshop(2, targets);
    Trainer trainer = workshop.trainer(short_run(100), path(targets));
    EXPECT_EQ(trainer.plan().parameters, static_cast<uint64_t>(workshop.adapter().parameters()));
    const TrainResult result = trainer.run({});
    const adapter::LoraAdapter saved = adapter::load_lora(path(targets));
    adapter::Attachment attachment(workshop.model().sites().size());
    adapter::attach_lora(saved, "saved", 1, {workshop.model().sites(), "llama"}, attachment, {});
    const std::vector<Example> examples = some_examples();
    for (size_t i = 0; i < examples.size(); ++i) {
      EXPECT_LT(result.rows[i].after, 0.5 * result.rows[i].before) << targets;
      const double loss = mean_loss({workshop.model(), workshop.context(), attachment}, examples[i]);
      EXPECT_NEAR(loss, result.rows[i].after, 1e-2) << targets;
    }
    const adapter::LoraEntry& first = saved.entries.front();
    if (first.site != "token_embd") continue;
    EXPECT_NE(first.b.row(5)[0], 0);
    for (int64_t r = 0; r < first.rank(); ++r) EXPECT_EQ(first.b.row(100)[r], 0);
  }
}

// With dropout, noise and an average, the embeddings and the output among what is trained.
TEST_F(VocabularyTraining, ResumedRunsOfAllMatricesEqualUnbrokenOnes) {
  TrainOptions options = short_run(4);
  options.dropout = 0.2F;
  options.noise = 5;
  options.parameters.average_decay = 0.9;
  options.parameters.b_rate_factor = 4;
  Workshop workshop(2, kAllMatrices);
  EXPECT_TRUE(workshop.trainer(options, path("unbroken")).run({}).finished);
  int made = 0;
  const TrainResult stopped = workshop.trainer(options, path("stopped"))
                                  .run({.on_step = [&](const StepRecord&, double) { ++made; },
                                        .on_save = {},
                                        .stop = [&] { return made >= 3; }});
  EXPECT_FALSE(stopped.finished);
  options.resume = true;
  Workshop other(1, kAllMatrices);
  EXPECT_TRUE(other.trainer(options, path("stopped")).run({}).finished);
  EXPECT_EQ(read_file(path("stopped")), read_file(path("unbroken")));
  EXPECT_EQ(read_file(path("stopped.checkpoint")), read_file(path("unbroken.checkpoint")));
}

TEST_F(VocabularyTraining, MagnitudesOfTheVocabularyAreRefused) {
  for (const char* targets : {"token_embd", "output"}) {
    Workshop workshop(1);
    adapter::LoraAdapter lora = new_adapter(workshop.model(), {.targets = targets}, "");
    const adapter::BaseWeights base{workshop.model().file(), workshop.context().pool, workshop.context().kernels};
    expect_error([&] { adapter::add_magnitudes(lora, base); }, ErrorKind::kUnsupported, "leave");
  }
  Workshop workshop(1);
  adapter::LoraAdapter lora = new_adapter(workshop.model(), {.targets = "output"}, "");
  lora.entries[0].magnitude = workshop.buffers().make_zero(lora.entries[0].b.rows(), 1);
  const ExampleList data(some_examples());
  expect_error([&] { Trainer(workshop.model(), workshop.context(), lora, data, {}, {path("a")}); },
               ErrorKind::kUnsupported, "magnitudes (DoRA) of output");
}

}  // namespace
}  // namespace patina::train
