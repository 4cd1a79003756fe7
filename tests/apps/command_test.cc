#include "apps/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <new>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "base/error.h"

namespace patina::apps {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

int run_echo(const Invocation& call) {
  std::string text = call.program;
  for (const std::string& argument : call.arguments) text += "|" + argument;
  std::fputs(text.c_str(), stdout);
  return kExitSuccess;
}

int run_failing(const Invocation& call) {
  const std::string& what = call.arguments.at(0);
  if (what == "data") fail(ErrorKind::kInvalidData, "the file is {}", "corrupt");
  if (what == "memory") throw std::bad_alloc();
  if (what == "interrupted") fail(ErrorKind::kInterrupted, "stopped");
  if (what == "number") throw 7;  // NOLINT(hicpp-exception-baseclass): what the last resort is for
  throw std::runtime_error("odd");
}

constexpr std::array<Command, 2> kCommands = {{{"main", "generates", run_echo}, {"failing", "fails", run_failing}}};

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_program(kCommands, words);
  Outcome outcome{.code = code, .out = testing::internal::GetCapturedStdout(), .err = ""};
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(Program, DispatchesOnItsOwnName) {
  EXPECT_EQ(run({"main", "-p", "x"}).out, "main|-p|x");
  EXPECT_EQ(run({"./main", "main"}).out, "./main|main");
  EXPECT_EQ(run({"/usr/bin/main"}).out, "/usr/bin/main");
}

TEST(Program, DispatchesOnTheFirstArgument) {
  EXPECT_EQ(run({"./patina", "main", "-p", "x"}).out, "patina main|-p|x");
  EXPECT_EQ(run({"patina", "help", "main"}).out, "patina main|--help");
}

TEST(Program, ListsItsCommands) {
  const Outcome outcome = run({"patina", "--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("main        generates\n"));
  EXPECT_EQ(run({"patina"}).code, 2);
  EXPECT_THAT(run({"patina", "--version"}).out, StartsWith("patina "));
}

TEST(Program, NamesTheNearestCommand) {
  const Outcome outcome = run({"patina", "mian"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "error: unknown command mian; did you mean main? `patina --help` lists the commands\n");
}

TEST(Program, TurnsErrorsIntoALineAndACode) {
  EXPECT_EQ(run({"patina", "failing", "data"}).err, "error: the file is corrupt\n");
  EXPECT_EQ(run({"patina", "failing", "data"}).code, 3);
  EXPECT_EQ(run({"patina", "failing", "memory"}).code, exit_code(ErrorKind::kOutOfMemory));
  EXPECT_EQ(run({"patina", "failing", "interrupted"}).code, 130);
  EXPECT_EQ(run({"patina", "failing", "odd"}).err, "error: odd\n");
  EXPECT_EQ(run({"patina", "failing", "odd"}).code, 1);
  EXPECT_EQ(run({"patina", "failing", "number"}).code, 1);
}

TEST(AllCommands, ExplainThemselves) {
  for (const Command& command : all_commands()) {
    testing::internal::CaptureStdout();
    const std::vector<std::string> words = {std::string(command.name), "--help"};
    EXPECT_EQ(run_program(all_commands(), words), 0);
    const std::string help = testing::internal::GetCapturedStdout();
    EXPECT_THAT(help, HasSubstr("--help")) << command.name;
    EXPECT_FALSE(command.summary.empty());
  }
}

}  // namespace
}  // namespace patina::apps
