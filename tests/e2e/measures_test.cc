#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "e2e/program.h"
#include "platform/cores.h"

namespace patina::e2e {
namespace {

using testing::HasSubstr;

class Measures : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(std::filesystem::exists(model_path())) << model_path() << " is not there"; }

  static Outcome measure(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin() + 1, {"-m", model_path().string(), "-t", "2"});
    return run(arguments, input);
  }

  static double perplexity(const std::string& text, const std::string& chunk) {
    const Outcome outcome = measure({"perplexity", "-f", "-", "-c", chunk}, text);
    std::smatch match;
    const std::regex line(R"(^Final estimate: PPL = ([0-9.]+) \+/- ([0-9.]+)\n$)");
    EXPECT_TRUE(std::regex_match(outcome.out, match, line)) << outcome.out << outcome.err;
    return match.empty() ? NAN : std::stod(match[1]);
  }
};

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

std::string random_letters(int count) {
  std::mt19937 random(1);
  std::string result;
  for (int i = 0; i < count; ++i) result += static_cast<char>('a' + random() % 26);
  return result;
}

TEST_F(Measures, PerplexityTellsPlainTextFromNoise) {
  const double plain = perplexity(repeated("The cat is on the mat. ", 40), "64");
  const double noise = perplexity(random_letters(600), "64");
  EXPECT_GT(plain, 1.0);
  EXPECT_LT(plain, noise);
}

TEST_F(Measures, PerplexityNeedsAChunkOfText) {
  const Outcome outcome = measure({"perplexity", "-f", "-"}, "short");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("-c"));
}

TEST_F(Measures, BenchPrintsOneArray) {
  const Outcome outcome = measure({"bench", "-p", "16", "-n", "4", "-r", "2", "-o", "json"});
  const nlohmann::json tests = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(tests.size(), 2U);
  EXPECT_EQ(tests[0]["test"], "pp16");
  EXPECT_EQ(tests[1]["test"], "tg4");
  for (const nlohmann::json& test : tests) {
    EXPECT_GT(test["avg_ts"].get<double>(), 0);
    EXPECT_GE(test["stddev_ts"].get<double>(), 0);
    EXPECT_GT(test["peak_memory"].get<int64_t>(), 0);
  }
}

TEST_F(Measures, BenchTakesListsAndTellsTheMachinesLimit) {
  const Outcome outcome = measure({"bench", "-p", "8,16", "-n", "2", "-pg", "8,2", "-b", "2,4", "-d", "0,32", "--train",
                                   "8", "-r", "1", "-o", "json"});
  std::vector<std::string> names;
  for (const nlohmann::json& test : nlohmann::json::parse(outcome.out)) {
    names.push_back(test["test"]);
    EXPECT_GT(test["avg_ts"].get<double>(), 0) << test;
    EXPECT_GT(test["read_bandwidth"].get<double>(), 0) << test;
    EXPECT_EQ(test["limit_share"].is_null(), test["instruction_set"] == "scalar") << test;
  }
  EXPECT_THAT(names, testing::ElementsAre("pp8", "pp16", "tg2", "pp8+tg2", "tg2x2", "tg2x4", "pp8 @ d32", "pp16 @ d32",
                                          "tg2 @ d32", "pp8+tg2 @ d32", "tg2x2 @ d32", "tg2x4 @ d32", "train8"));
}

TEST_F(Measures, BenchRunsEveryNumberOfThreads) {
  const Outcome outcome = measure({"bench", "-t", "2,1,2", "-p", "0", "-n", "1", "-r", "1", "-o", "csv"});
  std::istringstream lines(outcome.out);
  std::vector<std::string> tests;
  for (std::string line; std::getline(lines, line);) tests.push_back(line.substr(0, line.find(',')));
  std::vector<std::string> expected = {"test", "\"tg1\""};
  if (platform::usable_processors() > 1) expected.push_back(expected.back());
  EXPECT_EQ(tests, expected) << outcome.err;
}

// Not only after a run, which may take hours as this one.
TEST_F(Measures, BenchStopsWhenAsked) {
  const TemporaryFolder folder;
  const std::string log = (folder / "log").string();
  const Outcome outcome =
      run_shell("{ " + program_words({"bench", "-m", model_path().string(), "-p", "0", "-n", "200000"}) + " 2>'" + log +
                "' & program=$!; while kill -0 $program && ! grep -qs threads '" + log +
                "'; do sleep 0.02; done; kill $program; wait $program; }");
  EXPECT_EQ(outcome.code, 130);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(read_file(log), testing::EndsWith("error: stopped\n"));
}

TEST_F(Measures, BenchTellsWhatEndedBeforeItFailed) {
#ifdef PATINA_SANITIZED
  GTEST_SKIP() << "sanitizers take memory of their own";
#endif
  const Outcome outcome =
      run({"bench", "-q", "-m", model_path().string(), "-p", "1", "-n", "0", "--train", "1000000", "-o", "csv"}, "",
          "ulimit -v 600000");
  EXPECT_THAT(outcome.out, testing::ContainsRegex("^test,[^\n]*\n\"pp1\",[^\n]*\n$"));
  EXPECT_EQ(outcome.code, 7) << outcome.err;
}

TEST_F(Measures, BenchRefusesWhatIsNoList) {
  EXPECT_EQ(measure({"bench", "-p", "8,x"}).code, 2);
  EXPECT_THAT(measure({"bench", "-pg", "8"}).err, HasSubstr("-pg 512,64"));
  EXPECT_THAT(measure({"bench", "-p", "0", "-n", "0"}).err, HasSubstr("there is nothing to measure"));
  EXPECT_THAT(measure({"bench", "--compare", "/dev/null"}).err, HasSubstr("-o json"));
}

TEST_F(Measures, BenchComparesWithTheSameCacheTypes) {
  const std::vector<std::string> bench = {"bench", "-p", "0", "-n", "2", "-r", "1", "-o", "json"};
  const TemporaryFolder folder;
  const std::filesystem::path earlier = folder / "earlier.json";
  const Outcome before = measure(bench);
  std::ofstream(earlier) << before.out;
  const auto compare = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = bench;
    arguments.insert(arguments.end(), {"--compare", earlier.string()});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return measure(arguments);
  };
  const Outcome same = compare({});
  const nlohmann::json with = nlohmann::json::parse(same.out)[0];
  const double rate = nlohmann::json::parse(before.out)[0]["avg_ts"];
  EXPECT_NEAR(with["ratio"].get<double>(), with["avg_ts"].get<double>() / rate, 1e-6);
  EXPECT_THAT(same.err, testing::Not(HasSubstr("ratios")));
  const Outcome other = compare({"--ctk", "q8_0"});
  EXPECT_THAT(other.err, HasSubstr("there are no ratios"));
  EXPECT_TRUE(nlohmann::json::parse(other.out)[0]["ratio"].is_null()) << other.err;
}

TEST_F(Measures, BenchTellsWhenItComparesWithAnotherInstructionSet) {
  const TemporaryFolder folder;
  const std::filesystem::path earlier = folder / "earlier.json";
  std::ofstream(earlier) << R"([{"test": "tg2", "avg_ts": 1, "instruction_set": "mmx"}])";
  const Outcome outcome = measure({"bench", "-q", "-p", "0", "-n", "2", "-r", "1", "--compare", earlier.string()});
  EXPECT_THAT(outcome.err, HasSubstr("the ratios are to another instruction set (mmx, here "));
  EXPECT_THAT(outcome.out, testing::StartsWith("instruction set "));
}

TEST_F(Measures, FoldersAreNoInput) {
  const std::string model = model_path().string();
  for (const Outcome& outcome :
       {run({"bench", "-m", model, "--compare", "/tmp"}), run({"tokenize", "-m", model, "-f", "/tmp"})}) {
    EXPECT_THAT(outcome.err, HasSubstr("cannot read /tmp: Is a directory"));
    EXPECT_NE(outcome.code, 0);
  }
}

TEST_F(Measures, BenchLeavesOutWhatHasNoTokens) {
  const Outcome outcome = measure({"bench", "-p", "0", "-n", "2", "-r", "1", "-o", "json"});
  const nlohmann::json tests = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(tests.size(), 1U);
  EXPECT_EQ(tests[0]["test"], "tg2");
}

}  // namespace
}  // namespace patina::e2e
