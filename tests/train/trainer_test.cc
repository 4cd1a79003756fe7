#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "base/error.h"
#include "train/loss.h"
#include "train/memory_need.h"
#include "train/test_support.h"
#include "train/workshop.h"

namespace patina::train {
namespace {

TrainOptions many_epochs() {
  TrainOptions options;
  options.epochs = 100;
  options.batch_size = 2;
  options.learning_rate = 0.01;
  return options;
}

// Stops before step `steps` + 1.
TrainObserver stopping_after(int steps) {
  auto made = std::make_shared<int>(0);
  return {.on_step = [made](const StepRecord&, double) { ++*made; },
          .on_save = {},
          .stop = [made, steps] { return *made >= steps; }};
}

class TrainerTest : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::string log_of(const std::string& name) const { return read_file(RunFiles{path(name)}.log()); }
  std::string checkpoint_of(const std::string& name) const { return read_file(RunFiles{path(name)}.checkpoint()); }

  // After which steps a run of the adapter "a" saves.
  std::vector<uint64_t> steps_of_saves(const TrainOptions& options) const {
    Workshop workshop(1);
    Trainer trainer = workshop.trainer(options, path("a"));
    std::vector<uint64_t> saved_at;
    uint64_t step = 0;
    trainer.run({.on_step = [&](const StepRecord& record, double) { step = record.step; },
                 .on_save = [&] { saved_at.push_back(step); }});
    return saved_at;
  }

  TemporaryFolder folder_;
};

// The random output matrix bounds how sure the model can be.
TEST_F(TrainerTest, LearnsItsExamplesAndLeavesTheModelAlone) {
  const std::string model_bytes = read_file(kModel);
  Workshop workshop(2);
  Trainer trainer = workshop.trainer(many_epochs(), path("a"));
  const Plan plan = trainer.plan();
  EXPECT_EQ(plan.steps, 200);
  EXPECT_EQ(plan.epoch_tokens, 17);
  EXPECT_EQ(plan.epoch_loss_tokens, 3 + 4 + 4);
  EXPECT_GT(plan.seconds, 0);
  std::vector<double> losses;
  int saves = 0;
  const TrainResult result = trainer.run({.on_step = [&](const StepRecord& r, double) { losses.push_back(r.loss); },
                                          .on_save = [&] { ++saves; },
                                          .stop = {}});
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(saves, 1);
  ASSERT_EQ(losses.size(), 200);
  EXPECT_LT(losses.back(), 0.2 * losses.front());
  ASSERT_EQ(result.rows.size(), 3);
  for (const RowLoss& row : result.rows) EXPECT_LT(row.after, 0.2 * row.before);
  const std::string log = log_of("a");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 200);
  const adapter::LoraAdapter saved = adapter::load_lora(path("a"));
  EXPECT_EQ(saved.entries.size(), workshop.model().sites().size() - 2);  // without token_embd and output
  EXPECT_EQ(saved.base_fingerprint, workshop.model().fingerprint());
  EXPECT_EQ(saved.prompt_template, "instruction");
  EXPECT_EQ(read_file(kModel), model_bytes);
}

// The loss that is logged first is that of the model alone: a new adapter changes nothing.
TEST_F(TrainerTest, BeginsWithTheLossOfTheModel) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.batch_size = 3;
  options.max_steps = 1;
  Trainer trainer = workshop.trainer(options, path("a"));
  double first = 0;
  const TrainResult result = trainer.run(
      {.on_step = [&](const StepRecord& record, double) { first = record.loss; }, .on_save = {}, .stop = {}});
  double sum = 0;
  double tokens = 0;
  const std::vector<Example> examples = some_examples();
  for (size_t i = 0; i < examples.size(); ++i) {
    sum += result.rows[i].before * static_cast<double>(examples[i].loss_tokens());
    tokens += static_cast<double>(examples[i].loss_tokens());
  }
  EXPECT_NEAR(first, sum / tokens, 1e-5);
}

TEST_F(TrainerTest, ResumedRunsEqualUnbrokenOnes) {
  TrainOptions options = many_epochs();
  options.epochs = 4;
  options.dropout = 0.2F;
  options.parameters.optimizer.weight_decay = 0.01;
  options.save_every = 1;
  Workshop workshop(2);
  EXPECT_TRUE(workshop.trainer(options, path("unbroken")).run({}).finished);
  for (const int stop : {1, 2, 5}) {  // within and between epochs
    const std::string name = "stopped" + std::to_string(stop);
    const TrainResult first = workshop.trainer(options, path(name)).run(stopping_after(stop));
    EXPECT_FALSE(first.finished);
    EXPECT_EQ(first.steps, stop);
    TrainOptions resumed = options;
    resumed.resume = true;
    EXPECT_TRUE(workshop.trainer(resumed, path(name)).run({}).finished);
    EXPECT_EQ(read_file(path(name)), read_file(path("unbroken")));
    EXPECT_EQ(checkpoint_of(name), checkpoint_of("unbroken"));
    const std::string log = log_of(name);
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 8);
  }
}

TEST_F(TrainerTest, ResumesWithEveryOptimizerAndAverage) {
  Workshop workshop(1);
  for (const char* name : {"adamw", "adamw8bit", "lion", "sgd"}) {
    TrainOptions options = many_epochs();
    options.epochs = 4;
    options.parameters.optimizer.kind = optimizer_from_name(name).value_or(OptimizerKind::kAdamW);
    options.parameters.average_decay = 0.7;
    options.schedule.kind = ScheduleKind::kCosineRestarts;
    options.schedule.cycles = 2;
    const std::string unbroken = std::string(name) + ".unbroken";
    workshop.trainer(options, path(unbroken)).run({});
    EXPECT_FALSE(workshop.trainer(options, path(name)).run(stopping_after(3)).finished);
    options.resume = true;
    EXPECT_TRUE(workshop.trainer(options, path(name)).run({}).finished);
    EXPECT_EQ(read_file(path(name)), read_file(path(unbroken)));
    EXPECT_EQ(checkpoint_of(name), checkpoint_of(unbroken));
  }
}

TEST_F(TrainerTest, NoiseIsTheSameInAResumedRun) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.epochs = 4;
  workshop.trainer(options, path("quiet")).run({});
  options.noise = 5;
  const TrainResult unbroken = workshop.trainer(options, path("unbroken")).run({});
  EXPECT_NE(read_file(path("quiet")), read_file(path("unbroken")));
  EXPECT_FALSE(workshop.trainer(options, path("a")).run(stopping_after(3)).finished);
  options.resume = true;
  const TrainResult resumed = workshop.trainer(options, path("a")).run({});
  EXPECT_EQ(read_file(path("a")), read_file(path("unbroken")));
  EXPECT_EQ(resumed.rows[0].before, unbroken.rows[0].before);  // measured without noise
}

// The model acts as before until something is learned, and the file holds what is learned alone.
TEST_F(TrainerTest, TrainsAPartOfTheModel) {
  Workshop workshop(2, kAllMatrices);
  TrainOptions options = many_epochs();
  options.batch_size = 3;
  options.epochs = 40;
  options.adapter_type = quant::DType::kF32;
  std::vector<double> losses;
  const TrainResult result =
      workshop.principal_trainer(options, path("a"))
          .run({.on_step = [&](const StepRecord& record, double) { losses.push_back(record.loss); },
                .on_save = {},
                .stop = {}});
  double sum = 0;
  double tokens = 0;
  for (size_t i = 0; i < 3; ++i) {
    const auto count = static_cast<double>(some_examples()[i].loss_tokens());
    sum += result.rows[i].before * count;
    tokens += count;
  }
  EXPECT_NEAR(losses.front(), sum / tokens, 1e-4);
  EXPECT_LT(losses.back(), 0.5 * losses.front());
  const adapter::LoraAdapter saved = adapter::load_lora(path("a"));
  EXPECT_EQ(saved.entries[0].rank(), 16);
  adapter::Attachment attachment(workshop.model().sites().size());
  adapter::attach_lora(saved, "saved", 1, {workshop.model().sites(), "llama"}, attachment, {});
  for (size_t i = 0; i < 3; ++i) {
    const double loss = mean_loss({workshop.model(), workshop.context(), attachment}, some_examples()[i]);
    EXPECT_NEAR(loss, result.rows[i].after, 1e-3);
  }
}

// The averaged weights lag behind those that learn, and are what is saved and compared.
TEST_F(TrainerTest, SavesTheAverage) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.epochs = 20;
  const TrainResult plain = workshop.trainer(options, path("plain")).run({});
  options.parameters.average_decay = 0.99;
  const TrainResult averaged = workshop.trainer(options, path("averaged")).run({});
  EXPECT_NE(read_file(path("averaged")), read_file(path("plain")));
  EXPECT_GT(averaged.rows[0].after, plain.rows[0].after);
  EXPECT_LT(averaged.rows[0].after, averaged.rows[0].before);
}

TEST_F(TrainerTest, EndsWhenItsTimeIsUp) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.max_seconds = 1e-9;
  const TrainResult result = workshop.trainer(options, path("a")).run({});
  EXPECT_TRUE(result.finished);
  EXPECT_TRUE(result.out_of_time);
  EXPECT_EQ(result.steps, 1);
  options.resume = true;
  EXPECT_EQ(workshop.trainer(options, path("a")).run({}).steps, 2);
}

TEST_F(TrainerTest, SavesBySteps) {
  TrainOptions options = many_epochs();
  options.epochs = 5;
  options.save_steps = 3;
  EXPECT_THAT(steps_of_saves(options), testing::ElementsAre(3, 6, 9, 10));
  EXPECT_EQ(open_checkpoint(path("a.checkpoint.1")).contents.step, 9);
}

// The rows kept apart say the same as the loss of each alone, and the best adapter is the one that was there then.
TEST_F(TrainerTest, EvaluatesAndKeepsTheBest) {
  TrainOptions options = many_epochs();
  options.epochs = 40;
  options.eval_every = 8;
  options.adapter_type = quant::DType::kF32;
  Workshop workshop(1);
  const Example other = {{1, 9, 9, 3, 2}, {{1, 5}}};
  const ExampleList validation({other});
  Trainer trainer = workshop.trainer(options, path("a"));
  trainer.validate_on(validation);
  std::vector<EvaluationRecord> records;
  std::vector<double> sampled;
  const TrainResult result =
      trainer.run({.on_evaluation = [&](const EvaluationRecord& record) { records.push_back(record); },
                   .on_sampling =
                       [&](uint64_t, const adapter::Attachment& adapters) {
                         sampled.push_back(mean_loss({workshop.model(), workshop.context(), adapters}, other));
                       }});
  ASSERT_EQ(records.size(), 10);
  ASSERT_EQ(sampled.size(), 11);  // also before the first step
  const auto best = std::ranges::min_element(records, {}, &EvaluationRecord::loss);
  EXPECT_EQ(result.best.step, best->step);
  EXPECT_EQ(result.best.loss, best->loss);
  EXPECT_TRUE(best->best);
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].step, 8 * (i + 1));
    EXPECT_NEAR(records[i].loss, sampled[i + 1], 1e-6);
  }
  const adapter::LoraAdapter saved = adapter::load_lora(path("a.best.gguf"));
  adapter::Attachment attachment(workshop.model().sites().size());
  adapter::attach_lora(saved, "saved", 1, {workshop.model().sites(), "llama"}, attachment, {});
  EXPECT_NEAR(mean_loss({workshop.model(), workshop.context(), attachment}, other), best->loss, 1e-6);
  EXPECT_EQ(open_checkpoint(path("a.best.checkpoint")).contents.step, best->step);
  EXPECT_THAT(log_of("a"), testing::HasSubstr("\"eval_perplexity\""));
}

TEST_F(TrainerTest, LosesPatience) {
  TrainOptions options = many_epochs();
  options.eval_every = 2;
  options.patience = 3;
  Workshop workshop(1);
  const ExampleList validation({{{1, 9, 9, 3, 2}, {{1, 5}}}});
  const auto run = [&](bool resume) {
    options.resume = resume;
    Trainer trainer = workshop.trainer(options, path("a"));
    trainer.validate_on(validation);
    return trainer.run({});
  };
  const TrainResult result = run(false);
  EXPECT_TRUE(result.finished);
  EXPECT_TRUE(result.out_of_patience);
  EXPECT_EQ(result.steps, result.best.step + 3 * 2);
  EXPECT_EQ(run(true).steps, result.steps);  // there is nothing left to do
}

TEST_F(TrainerTest, GivesTheSameAdapterWithAnyNumberOfThreads) {
  TrainOptions options = many_epochs();
  options.epochs = 5;
  for (const int threads : {1, 3}) {
    Workshop workshop(threads);
    workshop.trainer(options, path(std::to_string(threads))).run({});
  }
  EXPECT_EQ(read_file(path("1")), read_file(path("3")));
}

// Steps of one example have that example's number of tokens.
TEST_F(TrainerTest, TakesTheOrderOfTheDataOnRequest) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.batch_size = 1;
  options.epochs = 4;
  options.learning_rate = 1e-5;
  const std::vector<Example> examples = {{{1, 2}, {{1, 2}}}, {{1, 2, 3}, {{1, 3}}}, {{1, 2, 3, 4}, {{1, 4}}}};
  const auto order_of = [&](bool shuffle) {
    options.shuffle = shuffle;
    std::vector<size_t> order;
    workshop.trainer(options, path("a"), examples)
        .run({.on_step = [&](const StepRecord& record, double) { order.push_back(record.tokens); },
              .on_save = {},
              .stop = {}});
    return order;
  };
  EXPECT_THAT(order_of(false), testing::ElementsAre(1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3));
  EXPECT_NE(order_of(true), order_of(false));
}

TEST_F(TrainerTest, SavesAsOftenAsAsked) {
  TrainOptions options = many_epochs();
  options.epochs = 5;
  options.save_every = 2;
  EXPECT_THAT(steps_of_saves(options), testing::ElementsAre(4, 8, 10));
}

TEST_F(TrainerTest, StoppedAtOnceChangesNothing) {
  Workshop workshop(1);
  write_file(path("a"), "precious");
  EXPECT_FALSE(workshop.trainer(many_epochs(), path("a")).run(stopping_after(0)).finished);
  EXPECT_EQ(read_file(path("a")), "precious");
}

TEST_F(TrainerTest, RefusesToResumeSomethingElse) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.epochs = 2;
  const auto resume = [&](const TrainOptions& with, std::vector<Example> examples) {
    TrainOptions resumed = with;
    resumed.resume = true;
    workshop.trainer(resumed, path("a"), std::move(examples));
  };
  expect_error([&] { resume(options, some_examples()); }, ErrorKind::kNotFound, "to resume from");
  workshop.trainer(options, path("a")).run({});
  resume(options, some_examples());
  std::vector<Example> others = some_examples();
  others[1].tokens[3] = 3;
  expect_error([&] { resume(options, others); }, ErrorKind::kIncompatible, "other training data");
  options.learning_rate = 0.02;
  expect_error([&] { resume(options, some_examples()); }, ErrorKind::kIncompatible, "--learning-rate 0.01, not 0.02");
}

TEST_F(TrainerTest, SaysWhatIsWrongBeforeItBegins) {
  Workshop workshop(1);
  const auto refused = [&](auto change, ErrorKind kind, const std::string& part) {
    TrainOptions options = many_epochs();
    change(options);
    expect_error([&] { workshop.trainer(options, path("a")); }, kind, part);
  };
  refused([](TrainOptions& o) { o.batch_size = 0; }, ErrorKind::kInvalidArgument, "batch size");
  refused([](TrainOptions& o) { o.learning_rate = -1; }, ErrorKind::kInvalidArgument, "learning rate");
  refused([](TrainOptions& o) { o.schedule.minimum = 1; }, ErrorKind::kInvalidArgument, "--min-lr");
  refused([](TrainOptions& o) { o.warmup = o.warmup_ratio = 1; }, ErrorKind::kInvalidArgument, "--warmup-ratio");
  refused([](TrainOptions& o) { o.parameters.average_decay = 1; }, ErrorKind::kInvalidArgument, "--ema");
  refused([](TrainOptions& o) { o.dropout = 1; }, ErrorKind::kInvalidArgument, "dropout");
  expect_error([&] { workshop.trainer({}, path("a"), {}); }, ErrorKind::kInvalidArgument, "nothing to train on");
  expect_error([&] { workshop.trainer({}, path("no/folder/a")); }, ErrorKind::kIo, "no/folder");
}

// Examples that cannot be read any more from some time on, as when their file is written to.
class FailingData final : public DataSet {
 public:
  size_t size() const override { return examples_.size(); }
  Example example(size_t index) const override {
    if (++reads_ > kReads) fail(ErrorKind::kInvalidData, "the file has changed");
    return examples_.example(index);
  }
  std::string place(size_t index) const override { return examples_.place(index); }
  const DataTotals& totals() const override { return examples_.totals(); }

 private:
  static constexpr int kReads = 30;
  ExampleList examples_{some_examples()};
  mutable int reads_ = 0;
};

TEST_F(TrainerTest, SavesWhatWasLearnedWhenARowCannotBeRead) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.save_every = 0;
  const FailingData data;
  const adapter::LoraAdapter lora = new_adapter(workshop.model(), {}, "");
  Trainer trainer(workshop.model(), workshop.context(), lora, data, options, {path("a")});
  expect_error([&] { trainer.run({}); }, ErrorKind::kInvalidData, "the file has changed");
  EXPECT_GT(open_checkpoint(RunFiles{path("a")}.checkpoint()).contents.step, 5);
  EXPECT_FALSE(read_file(path("a")).empty());
}

// Whatever it is that ends a run: here a sample that cannot be answered, and a report that nobody reads.
TEST_F(TrainerTest, SavesWhatWasLearnedAfterAnyError) {
  Workshop workshop(1);
  TrainOptions options = many_epochs();
  options.save_every = 0;
  const TrainObserver of_this_library = {.on_sampling = [](uint64_t step, const adapter::Attachment&) {
    if (step > 0) fail(ErrorKind::kInvalidArgument, "no answer");
  }};
  expect_error([&] { workshop.trainer(options, path("a")).run(of_this_library); }, ErrorKind::kInvalidArgument,
               "no answer");
  EXPECT_EQ(open_checkpoint(RunFiles{path("a")}.checkpoint()).contents.step, 2);
  const TrainObserver of_another = {.on_step = [](const StepRecord& record, double) {
    if (record.step == 3) throw std::runtime_error("no reader");
  }};
  EXPECT_THROW(workshop.trainer(options, path("b")).run(of_another), std::runtime_error);
  EXPECT_EQ(open_checkpoint(RunFiles{path("b")}.checkpoint()).contents.step, 3);
}

TEST_F(TrainerTest, StopsWhenTheLossIsLost) {
  Workshop workshop(1);
  write_file(path("a"), "precious");
  TrainOptions options = many_epochs();
  options.learning_rate = 1e30;
  expect_error([&] { workshop.trainer(options, path("a")).run({}); }, ErrorKind::kInvalidData, "lower --learning-rate");
  EXPECT_EQ(read_file(path("a")), "precious");
}

// Measuring in passes of any size gives the same sum, and stops when told.
TEST_F(TrainerTest, LossesOfADataSetAddUp) {
  Workshop workshop(1);
  workshop.context().precise = true;
  const ExampleList data(some_examples());
  const adapter::Attachment none(workshop.model().sites().size());
  const LossSetting setting{workshop.model(), workshop.context(), none};
  double expected = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    expected += mean_loss(setting, data.example(i)) * static_cast<double>(data.example(i).loss_tokens());
  }
  for (const size_t pass_tokens : {1, 9, 10, 100}) {
    int passes = 0;
    const LossSum sum = data_loss(setting, data, pass_tokens, [&](const LossSum&) { return ++passes < 10; });
    EXPECT_NEAR(sum.loss, expected, 1e-4);
    EXPECT_EQ(sum.tokens, 3 + 4 + 4);
    EXPECT_EQ(sum.examples, 3);
    EXPECT_EQ(passes, pass_tokens == 100 ? 1 : pass_tokens == 1 ? 3 : 2);
  }
  EXPECT_EQ(data_loss(setting, data, 1, [](const LossSum&) { return false; }).examples, 1);
}

// One pass over two examples adds the gradients that a pass over each does.
TEST_F(TrainerTest, PassesAddUp) {
  Workshop workshop(1);
  workshop.context().precise = true;
  const ExampleList examples(some_examples());
  const std::vector<uint32_t> order = {2, 0, 1};
  std::vector<float> gradients[2];
  for (size_t i = 0; i < 2; ++i) {
    adapter::LoraAdapter lora = new_adapter(workshop.model(), {}, "");
    for (const adapter::LoraEntry& entry : lora.entries) std::ranges::fill(entry.b.values(), 0.05F);
    adapter::Attachment attachment(workshop.model().sites().size());
    adapter::attach_lora(lora, "new", 1, {workshop.model().sites(), "llama"}, attachment, {});
    Parameters parameters(lora, workshop.buffers(), {});
    const std::vector<Batch> batches = pack(examples, order, i == 0 ? 100 : 1);
    ASSERT_EQ(batches.size(), i == 0 ? 1 : 3);
    for (const Batch& batch : batches) {
      add_gradients({workshop.model(), workshop.context(), attachment}, batch, StepSize{.tokens = 1, .pairs = 0},
                    i == 1, parameters);
    }
    for (const std::span<float> part : parameters.gradients()) {
      gradients[i].insert(gradients[i].end(), part.begin(), part.end());
    }
  }
  float largest = 0;
  for (const float gradient : gradients[0]) largest = std::max(largest, std::abs(gradient));
  EXPECT_GT(largest, 1e-3F);
  for (size_t i = 0; i < gradients[0].size(); ++i) EXPECT_NEAR(gradients[0][i], gradients[1][i], 1e-4F * largest);
}

// The estimate is of the size of what the buffers take.
TEST_F(TrainerTest, MemoryIsForeseen) {
  std::vector<Example> examples(1);
  examples[0].tokens.resize(400, 3);
  examples[0].loss = {{1, 400}};
  for (const char* targets : {"all", kAllMatrices}) {
    Workshop workshop(1, targets);
    TrainOptions options = many_epochs();
    options.max_steps = 1;
    workshop.trainer(options, path("a"), examples).run({});
    const auto foreseen =
        static_cast<double>(pass_bytes(workshop.model(), 400, {.recompute_blocks = false, .compact = true}));
    const auto taken = static_cast<double>(workshop.buffers().peak_bytes());
    EXPECT_GT(foreseen, 0.6 * taken) << targets;
    EXPECT_LT(foreseen, 1.6 * taken) << targets;
  }
}

}  // namespace
}  // namespace patina::train
