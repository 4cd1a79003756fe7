#include <array>
#include <atomic>

#include "adapter/distance.h"
#include "adapter/lora_adapter.h"
#include "train/gradient_sum.h"
#include "train/loss.h"
#include "train/test_support.h"
#include "train/thread_team.h"
#include "train/workshop.h"

namespace patina::train {
namespace {

using adapter::distance;

// Rows of very different numbers of loss tokens, so that a mean of means would show.
std::vector<Example> uneven_examples() {
  return {{{1, 5, 9, 4, 2, 2}, {{5, 6}}},       {{1, 8, 3, 7, 6, 2, 9, 9, 4, 3}, {{1, 10}}},
          {{1, 4, 4, 9, 2}, {{1, 5}}},          {{1, 7, 3}, {{2, 3}}},
          {{1, 3, 8, 8, 5, 5, 4, 2}, {{4, 8}}}, {{1, 6, 2}, {{1, 3}}},
          {{1, 2, 9, 7, 4, 6, 2}, {{1, 2}}}};
}

TrainOptions some_steps() {
  TrainOptions options;
  options.epochs = 4;
  options.batch_size = 5;  // the last step of an epoch has fewer rows than four processes
  options.learning_rate = 0.01;
  options.adapter_type = quant::DType::kF32;
  return options;
}

// What one member of a team trains with.
struct Member {
  TrainOptions options = some_steps();
  std::vector<Example> examples = uneven_examples();
  TrainObserver observer = {};
  const DataSet* validation = nullptr;
};

class TeamTest : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  // Of one process, in f32 throughout: with activations in 8 bits, the last bit of a sum decides about roundings.
  TrainResult run_member(Team& team, const Member& member, const std::string& name) const {
    Workshop workshop(1);
    workshop.context().precise = true;
    const bool first = team.rank() == 0;
    TrainOptions options = member.options;
    options.resume = options.resume && first;
    Trainer trainer = workshop.trainer(options, first ? path(name) : std::filesystem::path(), member.examples);
    trainer.join(team);
    if (member.validation != nullptr) trainer.validate_on(*member.validation);
    return trainer.run(member.observer);
  }

  // With one thread for each process; what the first one returned.
  TrainResult run(int size, const Member& member, const std::string& name) const {
    TrainResult result = {};
    run_team(size, [&](ThreadTeam& team) {
      Member own = member;
      if (team.rank() > 0) own.observer = {.stop = member.observer.stop};
      TrainResult of_this = run_member(team, own, name);
      if (team.rank() == 0) result = std::move(of_this);
    });
    return result;
  }

  double distance_between(const std::string& one, const std::string& other) const {
    return distance(adapter::load_lora(path(one)), adapter::load_lora(path(other)));
  }

  TemporaryFolder folder_;
};

// Float additions in another order differ in the last bits; Adam divides small gradients by their own size.
TEST_F(TeamTest, TrainsAsOneProcessDoes) {
  Member member;
  EXPECT_TRUE(run(1, member, "one").finished);
  for (const int size : {2, 3, 4}) {
    const TrainResult result = run(size, member, "several");
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.steps, 8);
    EXPECT_GT(result.team.bytes_a_step, 0);
    EXPECT_LT(distance_between("one", "several"), 1e-4) << size;
  }
  member.options.parameters.optimizer.kind = OptimizerKind::kSgd;
  run(1, member, "one");
  run(4, member, "several");
  EXPECT_LT(distance_between("one", "several"), 1e-6);
  member.options.learning_rate = 0.0101;  // what the measure can see
  run(4, member, "several");
  EXPECT_GT(distance_between("one", "several"), 1e-5);
}

TEST_F(TeamTest, LearnsPreferencesAsOneProcessDoes) {
  Member member;
  for (Example& example : member.examples) {
    Example rejected = example;
    rejected.tokens.back() = 11;
    rejected.tokens.insert(rejected.tokens.end(), {3, 5});
    rejected.loss.back().end += 2;
    example.rejected = std::make_shared<const Example>(rejected);
  }
  for (const Objective objective : {Objective::kDpo, Objective::kOrpo}) {
    member.options.loss.objective = objective;
    std::array<double, 2> margins = {};
    for (const size_t team : {0, 1}) {
      member.observer.on_step = [&](const StepRecord& record, double) {
        margins.at(team) = record.preference.mean_margin();
      };
      run(team == 0 ? 1 : 3, member, team == 0 ? "one" : "several");
    }
    EXPECT_LT(distance_between("one", "several"), 1e-4);
    EXPECT_NEAR(margins[0], margins[1], 1e-3 * std::fabs(margins[0]));
  }
}

TEST_F(TeamTest, MeasuresAndEndsAsOneProcessDoes) {
  const ExampleList validation({{{1, 7, 3, 2}, {{1, 4}}}, {{1, 5, 9, 9, 3}, {{3, 5}}}, {{1, 2, 2}, {{1, 3}}}});
  std::array<std::vector<EvaluationRecord>, 2> records;
  for (const size_t team : {0, 1}) {
    Member member;
    member.validation = &validation;
    member.options.patience = 1;
    member.options.epochs = 50;
    member.options.learning_rate = 0.1;  // gets worse soon
    member.observer.on_evaluation = [&](const EvaluationRecord& record) { records.at(team).push_back(record); };
    EXPECT_TRUE(run(team == 0 ? 1 : 2, member, "a").out_of_patience);
  }
  ASSERT_EQ(records[0].size(), records[1].size());
  for (size_t i = 0; i < records[0].size(); ++i) {
    EXPECT_EQ(records[0][i].tokens, 3 + 2 + 2);
    EXPECT_EQ(records[1][i].tokens, 3 + 2 + 2);
    EXPECT_NEAR(records[0][i].loss, records[1][i].loss, 1e-3 * records[0][i].loss);
  }
}

TEST_F(TeamTest, ResumesWithAnyNumberOfProcesses) {
  Member member;
  run(2, member, "unbroken");
  const auto stop_after = [](int steps) {
    auto made = std::make_shared<std::atomic<int>>(0);
    return TrainObserver{.on_step = [made](const StepRecord&, double) { ++*made; },
                         .stop = [made, steps] { return *made >= steps; }};
  };
  for (const int size : {1, 2, 3}) {
    member.observer = stop_after(3);
    const TrainResult first = run(2, member, "stopped");
    EXPECT_FALSE(first.finished);
    EXPECT_EQ(first.steps, 3);
    Member rest;
    rest.options.resume = true;
    const TrainResult second = run(size, rest, "stopped");
    EXPECT_TRUE(second.finished);
    EXPECT_EQ(second.steps, 8);
    EXPECT_LT(distance_between("unbroken", "stopped"), 1e-4);
    if (size == 2) {
      EXPECT_EQ(read_file(path("stopped")), read_file(path("unbroken")));
    }
  }
}

TEST_F(TeamTest, DropoutAndNoiseAreTheSameEachTime) {
  Member member;
  run(2, member, "plain");
  member.options.dropout = 0.2F;
  member.options.noise = 5;
  run(2, member, "a");
  run(2, member, "b");
  EXPECT_EQ(read_file(path("a")), read_file(path("b")));
  EXPECT_GT(distance_between("plain", "a"), 1e-4);
}

TEST_F(TeamTest, RefusesProcessesThatDoNotBelongTogether) {
  const auto expect_refused = [&](const std::function<void(Member&)>& change, const std::string& part) {
    run_team(3, [&](ThreadTeam& team) {
      Member member;
      if (team.rank() == 1) change(member);
      expect_error([&] { run_member(team, member, "a"); }, ErrorKind::kIncompatible, part);
    });
  };
  expect_refused([](Member& member) { member.examples.pop_back(); }, "have not the same training rows");
  expect_refused([](Member& member) { member.options.seed = 2; }, "have not the same flags");
}

TEST_F(TeamTest, NoticesWeightsThatDrewApart) {
  run_team(2, [&](ThreadTeam& team) {
    Workshop workshop(1);
    Trainer trainer = workshop.trainer(some_steps(), team.rank() == 0 ? path("a") : std::filesystem::path());
    trainer.join(team);
    TrainObserver observer;
    if (team.rank() == 1) {
      observer.on_step = [&](const StepRecord& record, double) {
        float& number = workshop.adapter().entries[0].a.values()[0];
        if (record.step == 3) number = std::nextafter(number, 1.0F);
      };
    }
    expect_error([&] { trainer.run(observer); }, ErrorKind::kIncompatible, "weights after step 4");
  });
  EXPECT_EQ(open_checkpoint(RunFiles{path("a")}.checkpoint()).contents.step, 1);  // the last time that they agreed
}

TEST_F(TeamTest, AProcessThatIsGoneEndsTheOthersWithASave) {
  MeetingPlace place(2);
  TrainResult result = {};
  std::thread other([&] {
    ThreadTeam team(place, 1, 2);
    Member member;
    member.observer.on_step = [](const StepRecord& record, double) {
      if (record.step == 5) throw std::runtime_error("killed");
    };
    EXPECT_THROW(run_member(team, member, "a"), std::runtime_error);
    place.leave_unfinished();
  });
  ThreadTeam team(place, 0, 2);
  result = run_member(team, {}, "a");
  other.join();
  EXPECT_FALSE(result.finished);
  EXPECT_EQ(open_checkpoint(RunFiles{path("a")}.checkpoint()).contents.step, result.steps);
  EXPECT_GE(result.steps, 4);
}

// Two that hold the same: each sum is twice one's own.
class Twins final : public Team {
 public:
  int rank() const override { return 0; }
  int size() const override { return 2; }
  std::string name() const override { return "a twin"; }
  void start_sum(std::span<const float> own, std::span<float> sum) override { begin(own, sum); }
  void start_sum(std::span<const double> own, std::span<double> sum) override { begin(own, sum); }
  void start_copy(std::span<std::byte> /*bytes*/) override {}
  bool advance() override {
    advanced_since_first += begun > 0 ? 1 : 0;
    return true;
  }
  void leave() override {}

  size_t begun = 0;
  size_t advanced_since_first = 0;  // operations of a pass that came after its first portion was sent

 private:
  template <typename T>
  void begin(std::span<const T> own, std::span<T> sum) {
    std::ranges::transform(own, sum.begin(), [](T x) { return 2 * x; });
    ++begun;
  }
};

// Tries both ways of a pass back.
TEST_F(TeamTest, GradientsAreSentWhileAPassIsUnderWay) {
  Workshop workshop(1, kAllMatrices);
  workshop.trainer(some_steps(), path("a"));  // makes the adapter
  adapter::Attachment attachment(workshop.model().sites().size());
  adapter::attach_lora(workshop.adapter(), "a", 1, {workshop.model().sites(), "llama"}, attachment, {});
  Parameters parameters(workshop.adapter(), workshop.buffers(), {});
  const ExampleList data(uneven_examples());
  const Batch batch = pack(data, data_order(data.size()), 1000).front();
  const LossSetting setting = {workshop.model(), workshop.context(), attachment};
  add_gradients(setting, batch, {.tokens = 1}, false, parameters);
  std::vector<std::vector<float>> expected;
  for (const std::span<float> gradient : parameters.gradients())
    expected.emplace_back(gradient.begin(), gradient.end());
  for (const bool recompute : {false, true}) {
    Twins twins;
    Teamwork work(twins);
    GradientSum sum(work, parameters, 1000);
    ASSERT_GT(sum.portions(), 3);
    parameters.zero_gradients();
    sum.begin_last_pass();
    add_gradients({workshop.model(), workshop.context(), attachment, {}, &sum}, batch, {.tokens = 1}, recompute,
                  parameters);
    EXPECT_EQ(twins.begun, sum.portions());  // before finish()
    EXPECT_GT(twins.advanced_since_first, 3);
    sum.finish();
    EXPECT_EQ(twins.begun, sum.portions());
    size_t bytes = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      bytes += 4 * expected[i].size();
      for (size_t k = 0; k < expected[i].size(); ++k) {
        ASSERT_NEAR(parameters.gradients()[i][k], 2 * expected[i][k], 1e-3F * std::fabs(expected[i][k]) + 1e-5F);
      }
    }
    EXPECT_EQ(sum.bytes(), bytes);
  }
}

}  // namespace
}  // namespace patina::train
