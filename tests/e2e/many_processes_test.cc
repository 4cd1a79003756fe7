#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <future>
#include <thread>

#include "adapter/distance.h"
#include "adapter/lora_adapter.h"
#include "e2e/program.h"

// Training under mpirun, all processes on this machine.
namespace patina::e2e {
namespace {

using adapter::distance;
using testing::HasSubstr;
using testing::Not;

#ifdef PATINA_WITH_MPI
constexpr bool kWithMpi = true;
#else
constexpr bool kWithMpi = false;
#endif

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class ManyProcesses : public testing::Test {
 protected:
  void SetUp() override {
    if (!kWithMpi) GTEST_SKIP() << "the program was built without Open MPI; install libopenmpi-dev and build again";
#ifdef PATINA_SANITIZED
    GTEST_SKIP() << "Open MPI is not built for sanitizers, and leaves memory to the end of the process";
#endif
    if (run_shell("command -v mpirun").code != 0) GTEST_SKIP() << "there is no mpirun; install openmpi-bin";
    // Rows of very different lengths: the mean is over all tokens of a step.
    std::string text;
    for (const char* row : {"Say hi\n### Response:\nhi", "Name a colour.\n### Response:\nBlue, or red, or green.",
                            "讲一个笑话。\n### Response:\n为什么鱼不说话？因为它们怕水泄露秘密！",
                            "Count.\n### Response:\none two three four five six seven eight nine ten eleven twelve",
                            "苹果和橙子哪个更甜？\n### Response:\n通常来说，苹果比橙子甜，不过也要看品种。"}) {
      text += std::string("### Instruction:\n") + row + "\n";
    }
    std::ofstream(folder_ / "rows.txt", std::ios::binary) << text;
  }

  std::vector<std::string> arguments(const std::string& adapter, const std::string& epochs) const {
    return {"finetune",
            "-m",
            model_path().string(),
            "--train-data",
            folder_ / "rows.txt",
            "--save-path",
            adapter,
            "--epochs",
            epochs,
            "-p",
            "4",
            "--precise",
            "--lora-type",
            "f32",
            "--lora-targets",
            "attn_q,ffn_down",
            "--seed",
            "3"};
  }

  // mpirun of these words in so many processes, and of more where ": -n 1 ..." follows.
  static std::string mpirun(int processes, const std::string& words, const std::string& options = "") {
    return "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 exec mpirun --oversubscribe --bind-to none " +
           options + "-n " + std::to_string(processes) + " " + words;
  }

  Outcome train(int processes, const std::string& adapter, const std::string& epochs,
                const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = arguments(folder_ / adapter, epochs);
    all.insert(all.end(), more.begin(), more.end());
    return run_shell(processes == 1 ? program_words(all) : mpirun(processes, program_words(all)));
  }

  // Words that begin a program with these words and leave its number in a file.
  std::string noting(const std::string& file, const std::string& words) const {
    return "sh -c 'echo $$ > " + (folder_ / file).string() + "; exec \"$0\" \"$@\"' " + words;
  }

  // Sends the signal to the process whose number is in the file, once the run has made some steps.
  void signal_in_the_run(const std::string& adapter, const std::string& file, int signal) const {
    const auto steps = [&] {
      const std::string log = read_file(folder_ / (adapter + ".log.jsonl"));
      return std::count(log.begin(), log.end(), '\n');
    };
    for (int look = 0; look < 60000 && steps() < 5; ++look) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_GE(steps(), 5);
    const int process = std::stoi(read_file(folder_ / file));
    ASSERT_EQ(::kill(process, signal), 0);
  }

  // Trains in two processes and kills the second one.
  Outcome kill_second(const std::string& options, const std::string& adapter, const std::string& epochs) const {
    const std::string words = program_words(arguments(folder_ / adapter, epochs));
    const std::string command = mpirun(1, words, options) + " : -n 1 " + noting("second", words);
    auto run = std::async(std::launch::async, [&] { return run_shell(command); });
    signal_in_the_run(adapter, "second", SIGKILL);
    return run.get();
  }

  static void expect_to_say_that_it_saved(const Outcome& outcome) {
    EXPECT_GT(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("another process of it has ended; saved after step "));
    EXPECT_THAT(outcome.err, HasSubstr("--resume auto"));
  }

  TemporaryFolder folder_;
};

TEST_F(ManyProcesses, TrainTheAdapterOfOneProcess) {
  ASSERT_EQ(train(1, "one", "5").code, 0);
  const adapter::LoraAdapter one = adapter::load_lora(folder_ / "one");
  for (const int processes : {2, 4}) {
    const Outcome outcome = train(processes, "several", "5");
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(std::to_string(processes) + " processes train together"));
    EXPECT_EQ(count(outcome.err, "step 10/10"), 1) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("MB of gradients of each process"));
    EXPECT_EQ(count(outcome.out, "The adapter is in"), 1);
    // Float additions in another order; Adam divides small gradients by their own size.
    EXPECT_LT(distance(one, adapter::load_lora(folder_ / "several")), 5e-4);
  }
}

TEST_F(ManyProcesses, MeasureTogether) {
  std::ofstream(folder_ / "valid.txt") << "### Instruction:\nSay hi\n### Response:\nhello\n"
                                          "### Instruction:\nCount.\n### Response:\none two\n";
  const auto measured = [&](int processes) {
    const Outcome outcome = train(processes, "a", "2", {"--val-data", folder_ / "valid.txt"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const size_t at = outcome.out.find("loss of the measured rows: ");
    return outcome.out.substr(at, outcome.out.find('\n', at) - at);
  };
  EXPECT_EQ(measured(3), measured(1));
}

TEST_F(ManyProcesses, OneThatIsKilledEndsTheRunWithASave) {
  const std::string epochs = "100";
  const Outcome outcome = kill_second("", "broken", epochs);
  expect_to_say_that_it_saved(outcome);
  const Outcome resumed = train(2, "broken", epochs, {"--resume", "auto"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming after step "));
  EXPECT_EQ(train(2, "unbroken", epochs).code, 0);
  EXPECT_TRUE(read_file(folder_ / "broken") == read_file(folder_ / "unbroken"));
}

// As between machines. Open MPI may notice first, and end the first process before it can save once more.
TEST_F(ManyProcesses, OneThatIsKilledEndsTheRunOverANetworkToo) {
  const std::string epochs = "100";
  const Outcome outcome = kill_second("--mca btl tcp,self --mca btl_tcp_if_include lo ", "broken", epochs);
  EXPECT_GT(outcome.code, 0) << outcome.err;
  const Outcome resumed = train(2, "broken", epochs, {"--resume", "auto"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming after step "));
}

TEST_F(ManyProcesses, CtrlCSaves) {
  const std::string words = program_words(arguments(folder_ / "a", "1000000"));
  auto run = std::async(std::launch::async, [&] {
    return run_shell("echo $$ > '" + (folder_ / "mpirun").string() + "'; " + mpirun(3, words));
  });
  signal_in_the_run("a", "mpirun", SIGINT);
  expect_to_say_that_it_saved(run.get());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a.checkpoint"));
}

TEST_F(ManyProcesses, AnErrorOfOneEndsAll) {
  const std::string good = program_words(arguments(folder_ / "a", "1000"));
  std::vector<std::string> bad = arguments(folder_ / "a", "1000");
  *std::ranges::find(bad, (folder_ / "rows.txt").string()) = folder_ / "nowhere.txt";
  const Outcome of_one = run_shell(mpirun(2, good) + " : -n 1 " + program_words(bad));
  EXPECT_GT(of_one.code, 0);
  EXPECT_EQ(count(of_one.err, "error: "), 1) << of_one.err;
  EXPECT_THAT(of_one.err, HasSubstr("error: process 2 on "));
  EXPECT_THAT(of_one.err, HasSubstr("nowhere.txt"));
  const Outcome of_all = run_shell(mpirun(3, program_words(bad)));
  EXPECT_GT(of_all.code, 0);
  EXPECT_EQ(count(of_all.err, "error: "), 1) << of_all.err;
  EXPECT_THAT(of_all.err, Not(HasSubstr("error: process")));
}

TEST_F(ManyProcesses, MustHaveTheSameFlags) {
  std::vector<std::string> other = arguments(folder_ / "a", "1000");
  other.back() = "4";  // seed
  const Outcome outcome =
      run_shell(mpirun(1, program_words(arguments(folder_ / "a", "1000"))) + " : -n 1 " + program_words(other));
  EXPECT_GT(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("error: 1 of 2 processes have not the same flags as the first"));
}

TEST(ManyProcessesWithoutMpi, SayWhatToInstall) {
  if (kWithMpi) GTEST_SKIP() << "the program was built with Open MPI";
  const Outcome outcome = run({"finetune", "-m", "x", "--train-data", "y"}, "", "export OMPI_COMM_WORLD_SIZE=2");
  EXPECT_GT(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("install libopenmpi-dev and openmpi-bin"));
}

}  // namespace
}  // namespace patina::e2e
