#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "train/checkpoint_files.h"
#include "train/random.h"
#include "train/test_support.h"
#include "train/workshop.h"

namespace patina::train {
namespace {

using Clock = std::chrono::steady_clock;

// Runs that are killed at any moment. Each is a process of its own, which trains with one thread.
class InterruptionTest : public testing::Test {
 protected:
  static TrainOptions options() {
    TrainOptions options;
    options.epochs = 6;
    options.batch_size = 2;
    options.learning_rate = 0.01;
    options.save_steps = 1;
    options.eval_every = 3;
    options.parameters.average_decay = 0.9;
    return options;
  }

  // What `--resume auto` does.
  static void run_or_resume(const std::filesystem::path& adapter) {
    Workshop workshop(1);
    TrainOptions with = options();
    const RunFiles files{adapter};
    with.resume = CheckpointFiles(files.checkpoint(), with.keep).any();
    const ExampleList validation({{{1, 7, 3, 2}, {{1, 4}}}});
    Trainer trainer = workshop.trainer(with, adapter);
    trainer.validate_on(validation);
    trainer.run({});
  }

  static pid_t start(const std::filesystem::path& adapter) {
    const pid_t child = fork();
    if (child != 0) return child;
    try {
      run_or_resume(adapter);
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }

  // The exit status; -1 for a process that a signal ended.
  static int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::remove_all(folder_ / to);
    std::filesystem::copy(folder_ / from, folder_ / to, std::filesystem::copy_options::recursive);
  }

  void expect_same_end(const std::string& name) const {
    for (const char* file : {"a", "a.checkpoint", "a.best.gguf", "a.best.checkpoint"}) {
      EXPECT_TRUE(read_file(folder_ / name / file) == read_file(folder_ / "unbroken" / file)) << file;
    }
    const std::string log = read_file(folder_ / name / "a.log.jsonl");
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 12 + 4);
  }

  TemporaryFolder folder_;
};

TEST_F(InterruptionTest, KilledAtAnyMomentARunEndsAsTheUnbrokenOne) {
  constexpr int kKills = 50;
  std::filesystem::create_directory(folder_ / "unbroken");
  const Clock::time_point begin = Clock::now();
  ASSERT_EQ(wait_for(start(folder_ / "unbroken" / "a")), 0);
  const auto length = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();
  Random random(7);
  int killed = 0;
  int began_anew = 0;
  for (int attempt = 0; killed < kKills && attempt < 20 * kKills; ++attempt) {
    std::filesystem::create_directory(folder_ / "broken");
    const pid_t child = start(folder_ / "broken" / "a");
    // Shorter than the run, so that most are killed in it, several times one after the other.
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(static_cast<uint64_t>(length) / 2)));
    ::kill(child, SIGKILL);
    const bool finished = wait_for(child) == 0;
    if (!finished) {
      ++killed;
      copy("broken", "resumed");
      ASSERT_EQ(wait_for(start(folder_ / "resumed" / "a")), 0) << "after " << killed << " kills";
      expect_same_end("resumed");
    } else {
      std::filesystem::remove_all(folder_ / "broken");
      ++began_anew;
    }
  }
  EXPECT_EQ(killed, kKills);
  EXPECT_GT(began_anew, 0) << "no run ever came to its end between kills";
}

TEST_F(InterruptionTest, ATruncatedCheckpointGivesWayToTheOneBefore) {
  std::filesystem::create_directory(folder_ / "unbroken");
  run_or_resume(folder_ / "unbroken" / "a");
  std::filesystem::create_directory(folder_ / "broken");
  {
    Workshop workshop(1);
    TrainOptions with = options();
    const ExampleList validation({{{1, 7, 3, 2}, {{1, 4}}}});
    Trainer trainer = workshop.trainer(with, folder_ / "broken" / "a");
    trainer.validate_on(validation);
    int steps = 0;
    trainer.run({.on_step = [&](const StepRecord&, double) { ++steps; }, .stop = [&] { return steps == 7; }});
  }
  const std::filesystem::path newest = folder_ / "broken" / "a.checkpoint";
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) - 100);
  {
    Workshop workshop(1);
    TrainOptions with = options();
    with.resume = true;
    const Plan plan = workshop.trainer(with, folder_ / "broken" / "a").plan();
    ASSERT_EQ(plan.notes.size(), 1);
    EXPECT_THAT(plan.notes[0], testing::HasSubstr("going on from"));
    EXPECT_EQ(plan.steps_done, 7);  // saved a second time when it was stopped
  }
  run_or_resume(folder_ / "broken" / "a");
  expect_same_end("broken");
}

}  // namespace
}  // namespace patina::train
