#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>

#include "e2e/program.h"

namespace patina::e2e {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Generation : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(std::filesystem::exists(model_path())) << model_path() << " is not there"; }

  // `patina main` on the model with two threads.
  static Outcome generate(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"main", "-m", model_path().string(), "-t", "2"});
    return run(arguments, input);
  }
};

TEST_F(Generation, WritesOnlyTextToStdout) {
  const std::vector<std::string> asked = {"-p", "Once upon a time", "-n", "8", "--temp", "0", "--ignore-eos"};
  const Outcome outcome = generate(asked);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("Once upon a time"));
  EXPECT_GT(outcome.out.size(), std::string("Once upon a time\n").size());
  EXPECT_THAT(outcome.err, ContainsRegex("answer: 8 tokens in .*tokens/s"));
  std::vector<std::string> only_text = asked;
  only_text.insert(only_text.end(), {"--no-display-prompt", "-q"});
  const Outcome bare = generate(only_text);
  EXPECT_EQ("Once upon a time" + bare.out, outcome.out);
  EXPECT_EQ(bare.err, "");
}

TEST_F(Generation, TellsNoRateOfOneToken) {
  EXPECT_THAT(generate({"-p", "Once upon a time", "-n", "1", "--ignore-eos"}).err,
              HasSubstr("answer: 1 token, ended by: length"));
}

TEST_F(Generation, GivesTheSameTextForTheSameSeed) {
  const std::vector<std::string> arguments = {"-p", "The", "-n", "24", "--temp", "1.5", "--seed", "7", "--ignore-eos"};
  const Outcome first = generate(arguments);
  EXPECT_EQ(first.out, generate(arguments).out);
  std::vector<std::string> other = arguments;
  other[7] = "8";
  EXPECT_NE(first.out, generate(other).out);
  std::vector<std::string> threads = {"main", "-m", model_path().string(), "-t", "1"};
  threads.insert(threads.end(), arguments.begin(), arguments.end());
  EXPECT_EQ(run(threads).out, first.out);
  threads[4] = "3";
  EXPECT_EQ(run(threads).out, first.out);
}

// Q4_0 is coarse enough to err where the model itself does not.
TEST_F(Generation, TellsHowManyTokensADraftGuessedRight) {
  const TemporaryFolder folder;
  ASSERT_EQ(run({"quantize", model_path().string(), folder / "draft.gguf", "Q4_0"}).code, 0);
  std::vector<std::string> arguments = {"-p", "The cat", "-n", "60", "--temp", "0", "--ignore-eos", "--no-speculation"};
  const Outcome plain = generate(arguments);
  EXPECT_THAT(plain.err, Not(HasSubstr("speculation:")));
  arguments.back() = "--draft-p-min";
  arguments.insert(arguments.end(), {"0", "--draft-max", "64", "--model-draft", folder / "draft.gguf"});
  const Outcome guessed = generate(arguments);
  EXPECT_EQ(guessed.code, 0) << guessed.err;
  EXPECT_EQ(guessed.out, plain.out);
  EXPECT_THAT(guessed.err, HasSubstr("draft model: "));
  std::smatch line;
  const std::regex form(R"(speculation: ([0-9]+) of ([0-9]+) proposed tokens accepted \(([0-9]+) %\))");
  ASSERT_TRUE(std::regex_search(guessed.err, line, form)) << guessed.err;
  const double accepted = std::stod(line[1]);
  const double proposed = std::stod(line[2]);
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, proposed);
  EXPECT_NEAR(std::stod(line[3]), 100 * accepted / proposed, 0.5);
}

TEST_F(Generation, KeepsTheContextInEightBits) {
  const std::vector<std::string> arguments = {"-p", "Once upon a time", "-n", "8", "--temp", "0", "--precise"};
  std::vector<std::string> small = arguments;
  small.insert(small.end(), {"-ctk", "q8_0", "-ctv", "q8_0"});
  const Outcome outcome = generate(small);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, generate(arguments).out);
  const std::string short_heads = PATINA_SOURCE_DIR "/tests/golden/gradients/llama.gguf";
  const Outcome refused = run({"main", "-m", short_heads, "-p", "a", "-n", "2", "-ctk", "q8_0"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("heads of 16 numbers do not fit the blocks of Q8_0, which are 32; use F16"));
}

TEST_F(Generation, TakesThePromptFromAFileOrAPipe) {
  const TemporaryFolder folder;
  std::ofstream(folder / "prompt") << "The\n";
  const std::string expected = generate({"-p", "The", "-n", "4", "--temp", "0"}).out;
  EXPECT_EQ(generate({"-f", folder / "prompt", "-n", "4", "--temp", "0"}).out, expected);
  EXPECT_EQ(generate({"-n", "4", "--temp", "0"}, "The\n").out, expected);
  EXPECT_EQ(generate({"-p", "The", "-f", folder / "prompt"}).code, 2);
  EXPECT_EQ(generate({}).code, 2);
  EXPECT_THAT(generate({"-f", "/dev/null"}).err, HasSubstr("there is no prompt"));
}

TEST_F(Generation, TellsOnceThatNothingCanBeWritten) {
  const Outcome outcome = run_shell(
      "{ " + program_words({"main", "-m", model_path().string(), "-q", "-p", "The", "-n", "1"}) + " > /dev/full; }");
  EXPECT_EQ(outcome.err, "error: cannot write to the standard output; the text is incomplete\n");
  EXPECT_EQ(outcome.code, 6);
}

TEST_F(Generation, RefusesADraftModelThatGuessesNothing) {
  const std::vector<std::string> draft = {"-p", "The", "-n", "1", "-md", model_path().string()};
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {"--no-speculation"}, {"--draft-max", "0"}, {"--draft-min", "5", "--draft-max", "3"}}) {
    std::vector<std::string> arguments = draft;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = generate(arguments);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(more.front()));
  }
}

TEST_F(Generation, ProcessesEscapes) {
  EXPECT_THAT(generate({"-p", R"(a\nb)", "-n", "1", "--temp", "0"}).out, StartsWith("a\nb"));
  EXPECT_THAT(generate({"-p", R"(a\nb)", "-n", "1", "--temp", "0", "--no-escape"}).out, StartsWith(R"(a\nb)"));
}

TEST_F(Generation, EndsAtAReversePrompt) {
  const std::vector<std::string> arguments = {"-p",          "The", "-n", "16", "--temp", "0", "--no-display-prompt",
                                              "--ignore-eos"};
  const std::string whole = generate(arguments).out;
  const std::string stop = whole.substr(whole.size() / 2, 3);
  std::vector<std::string> stopping = arguments;
  stopping.insert(stopping.end(), {"--no-escape", "-r", stop});
  const Outcome outcome = generate(stopping);
  EXPECT_EQ(outcome.out, whole.substr(0, whole.find(stop)) + "\n");
  EXPECT_THAT(outcome.err, HasSubstr("ended by: stop text"));
}

TEST_F(Generation, SaysWhenTheContextIsFull) {
  const Outcome outcome = generate({"-p", "The", "-c", "16", "--ignore-eos"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("the context of 16 tokens is full"));
  const Outcome longer = generate({"-p", "one two three four five six seven eight nine ten eleven", "-c", "8"});
  EXPECT_EQ(longer.code, 2);
  EXPECT_THAT(longer.err, HasSubstr("-c"));
  EXPECT_EQ(longer.out, "");
}

TEST_F(Generation, AcceptsLlamaFlagsWithOneNotice) {
  const Outcome outcome = generate({"-p", "The", "-n", "1", "-ngl", "99", "--mlock", "-fa", "on", "-b", "64"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("ignored: -ngl --mlock -fa -b"));
}

TEST_F(Generation, WrapsAConversation) {
  const Outcome outcome = generate({"-p", "Hi", "-sys", "Be brief.", "--chat-template", "chatml", "-n", "1", "-v"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"));
  EXPECT_THAT(generate({"-p", "Hi", "-n", "1", "-v"}).err, Not(HasSubstr("<|im_start|>")));
  EXPECT_THAT(generate({"-p", "Hi", "--chat-template", "chatlm"}).err, HasSubstr("chatml"));
  EXPECT_EQ(generate({"-p", "Hi", "-sys", "x", "--raw"}).code, 2);
}

TEST_F(Generation, RefusesBrokenFilesInOneSentence) {
  const TemporaryFolder folder;
  const std::string whole = read_file(model_path());
  for (const size_t size : {size_t{0}, size_t{3}, size_t{100}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(folder / "cut.gguf", std::ios::binary) << whole.substr(0, size);
    const Outcome outcome = run({"main", "-m", folder / "cut.gguf", "-p", "x"});
    EXPECT_GT(outcome.code, 0) << size;
    EXPECT_THAT(outcome.err, StartsWith("error: ")) << size;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_EQ(run({"main", "-m", folder / "none.gguf", "-p", "x"}).code, 5);
}

TEST_F(Generation, LeavesTheModelAsItIs) {
  const std::string before = read_file(model_path());
  generate({"-p", "The", "-n", "4"});
  EXPECT_TRUE(read_file(model_path()) == before);
}

TEST(Program, PrintsItsVersion) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("patina "));
}

}  // namespace
}  // namespace patina::e2e
