#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "apps/bench_output.h"
#include "apps/bench_plan.h"
#include "apps/bench_work.h"
#include "base/error.h"
#include "io/test_files.h"

namespace patina::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(BenchPlan, TestsAreNamedByWhatTheyDo) {
  EXPECT_EQ(BenchTest{.prompt = 512}.name(), "pp512");
  EXPECT_EQ(BenchTest{.generate = 64}.name(), "tg64");
  EXPECT_EQ((BenchTest{.prompt = 512, .generate = 64}.name()), "pp512+tg64");
  EXPECT_EQ((BenchTest{.generate = 16, .sequences = 4, .depth = 4096}.name()), "tg16x4 @ d4096");
  EXPECT_EQ(BenchTest{.train = 256}.name(), "train256");
  EXPECT_EQ((BenchTest{.generate = 16, .sequences = 4, .depth = 4096}.tokens()), 64);
  EXPECT_EQ((BenchTest{.prompt = 512, .generate = 64}.tokens()), 576);
}

TEST(BenchPlan, EveryTestRunsAtEveryDepthButTraining) {
  const BenchPlan plan{.prompts = {8, 0},
                       .generates = {4},
                       .pairs = {{.prompt = 2, .generate = 1}},
                       .batches = {2},
                       .depths = {0, 32},
                       .trains = {16}};
  std::vector<std::string> names;
  for (const BenchTest& test : plan.tests()) names.push_back(test.name());
  EXPECT_THAT(names, ElementsAre("pp8", "tg4", "pp2+tg1", "tg4x2", "pp8 @ d32", "tg4 @ d32", "pp2+tg1 @ d32",
                                 "tg4x2 @ d32", "train16"));
}

TEST(BenchPlan, NoTestRunsTwice) {
  const BenchPlan plan{
      .prompts = {8, 8}, .generates = {4}, .pairs = {{.prompt = 8}}, .batches = {1}, .depths = {0, 0}, .trains = {0}};
  std::vector<std::string> names;
  for (const BenchTest& test : plan.tests()) names.push_back(test.name());
  EXPECT_THAT(names, ElementsAre("pp8", "tg4"));
}

constexpr measure::MachineLimits kMachine{.read_bandwidth = 10, .int8_peak = 100, .int16_peak = 50, .f32_peak = 20};

WorkBound bound(const std::vector<PassWork>& work) {
  return bound_of(work, kMachine).value_or(WorkBound{.seconds = 0, .by = "nothing"});
}

TEST(BenchWork, ASlowerResourceBoundsEachPass) {
  const PassWork writing{.passes = 3, .weight_bytes = 50, .int8_products = 100};                       // 5 s against 1
  const PassWork reading{.passes = 2, .weight_bytes = 50, .int8_products = 1000, .f32_products = 40};  // 5 s against 12
  const PassWork training{
      .passes = 1, .weight_bytes = 50, .int8_products = 100, .int16_products = 100, .f32_products = 200};  // 1, 2, 10 s
  EXPECT_DOUBLE_EQ(bound({writing}).seconds, 15);
  EXPECT_EQ(bound({writing}).by, "bandwidth");
  EXPECT_DOUBLE_EQ(bound({reading}).seconds, 24);
  EXPECT_EQ(bound({reading}).by, "int8");
  EXPECT_DOUBLE_EQ(bound({training}).seconds, 13);
  EXPECT_EQ(bound({training}).by, "f32");
  EXPECT_DOUBLE_EQ(bound({writing, reading}).seconds, 39);
  EXPECT_FALSE(bound_of({writing}, {.read_bandwidth = 10, .int8_peak = 0, .int16_peak = 0, .f32_peak = 0}));
  EXPECT_FALSE(bound_of({writing}, {.read_bandwidth = 0, .int8_peak = 100, .int16_peak = 50, .f32_peak = 20}));
}

class BenchOutput : public testing::Test {
 protected:
  BenchOutput() {
    BenchResult result{.test = {.generate = 4},
                       .model = "a \"model\"",
                       .architecture = "llama",
                       .instruction_set = "avx2",
                       .weight_bytes = 50,
                       .cache_types = {},
                       .threads = 2,
                       .rates = {0.1, 0.2, 0.3},
                       .peak_memory = uint64_t{3} << 20U,
                       .work = {{.passes = 4, .weight_bytes = 50, .int8_products = 1}}};
    results_ = {{.result = result, .limits = kMachine}};
  }

  nlohmann::json read(const std::string& text) const {
    const std::filesystem::path path = folder_ / "earlier.json";
    std::ofstream(path) << text;
    return read_bench_json(path);
  }

  io::TemporaryFolder folder_;
  std::vector<MeasuredResult> results_;
};

TEST_F(BenchOutput, JsonTellsTheLimitAndTheShare) {
  const nlohmann::ordered_json tests = bench_json(results_, {});
  ASSERT_EQ(tests.size(), 1U);
  EXPECT_EQ(tests[0]["test"], "tg4");
  EXPECT_DOUBLE_EQ(tests[0]["avg_ts"], 0.2);
  EXPECT_NEAR(tests[0]["stddev_ts"], 0.1, 1e-12);
  EXPECT_DOUBLE_EQ(tests[0]["limit_ts"], 0.2) << "50 bytes a token at 10 bytes/s";
  EXPECT_EQ(tests[0]["limit_by"], "bandwidth");
  EXPECT_DOUBLE_EQ(tests[0]["limit_share"], 1);
  EXPECT_FALSE(tests[0].contains("ratio"));
  EXPECT_EQ(nlohmann::json::parse(bench_text(tests, "json")), nlohmann::json(tests));
}

TEST_F(BenchOutput, RatiosComeFromTheSameTestWithAsManyThreads) {
  const auto ratio = [&](const std::string& earlier) { return bench_json(results_, read(earlier))[0]["ratio"]; };
  EXPECT_DOUBLE_EQ(ratio(R"([{"test": "pp4", "avg_ts": 9}, {"test": "tg4", "avg_ts": 0.1}])"), 2);
  EXPECT_DOUBLE_EQ(ratio(R"([{"test": "tg4", "avg_ts": 1, "threads": 1},
                             {"test": "tg4", "avg_ts": 0.4, "threads": 2}])"),
                   0.5);
  EXPECT_TRUE(ratio(R"([{"test": "pp4", "avg_ts": 9}])").is_null());
}

TEST_F(BenchOutput, RatiosComeFromTheSameCacheTypesAndBestFromTheSameOrigin) {
  const auto ratio = [&](const std::string& earlier) { return bench_json(results_, read(earlier))[0]["ratio"]; };
  EXPECT_TRUE(ratio(R"([{"test": "tg4", "avg_ts": 1, "type_k": "Q8_0", "type_v": "F16"}])").is_null());
  EXPECT_TRUE(ratio(R"([{"test": "tg4", "avg_ts": 1, "type_k": "F16", "type_v": "Q8_0"}])").is_null());
  EXPECT_DOUBLE_EQ(ratio(R"([{"test": "tg4", "avg_ts": 1, "type_k": "Q8_0", "type_v": "F16"},
                             {"test": "tg4", "avg_ts": 0.4, "type_k": "F16", "type_v": "F16"}])"),
                   0.5);
  EXPECT_DOUBLE_EQ(ratio(R"([{"test": "tg4", "avg_ts": 1, "model": "another", "instruction_set": "avx2"},
                             {"test": "tg4", "avg_ts": 2, "model": "a \"model\"", "instruction_set": "zen4"},
                             {"test": "tg4", "avg_ts": 0.4, "model": "a \"model\"", "instruction_set": "avx2"}])"),
                   0.5);
  EXPECT_DOUBLE_EQ(ratio(R"([{"test": "tg4", "avg_ts": 0.1, "model": "another"},
                             {"test": "tg4", "avg_ts": 1, "model": "a third"}])"),
                   2);
}

TEST_F(BenchOutput, AnotherOriginIsTold) {
  const auto told = [&](const std::string& earlier) { return comparison_note(results_, read(earlier)); };
  EXPECT_EQ(told(R"([{"test": "tg4", "avg_ts": 1}])"), "");
  EXPECT_EQ(told(R"([{"test": "tg4", "avg_ts": 1, "model": "a \"model\"", "instruction_set": "avx2"}])"), "");
  EXPECT_THAT(told(R"([{"test": "pp4", "avg_ts": 1, "model": "another"}])"), StartsWith("there are no ratios: "));
  EXPECT_EQ(told(R"([{"test": "tg4", "avg_ts": 1, "weight_bytes": 7}])"),
            "the ratios are to another number of bytes of weights (7, here 50)");
  EXPECT_EQ(told(R"([{"test": "tg4", "avg_ts": 1, "precise": true}])"),
            "the ratios are to another choice of --precise (true, here false)");
  EXPECT_EQ(
      told(R"([{"test": "tg4", "avg_ts": 1, "model": "another", "instruction_set": "zen4"}])"),
      R"(the ratios are to another model (another, here a "model") and another instruction set (zen4, here avx2))");
  EXPECT_THAT(told(R"([{"test": "tg4", "avg_ts": 1, "model": 7}])"), HasSubstr("model (7, here"));
  EXPECT_EQ(comparison_note(results_, {}), "");
}

TEST_F(BenchOutput, EarlierFilesMustBeSuchArrays) {
  for (const char* text : {"", "{}", "[1]", R"([{"test": "tg4"}])", R"([{"test": "tg4", "avg_ts": 0}])",
                           R"([{"test": "tg4", "avg_ts": 1, "threads": "2"}])"}) {
    EXPECT_THROW(read(text), Error) << text;
  }
  io::expect_error([&] { read_bench_json(folder_ / "absent.json"); }, ErrorKind::kNotFound, "absent.json");
  io::expect_error([&] { read_bench_json(folder_ / "."); }, ErrorKind::kIo, "Is a directory");
}

TEST_F(BenchOutput, CsvQuotesAndTheTableShowsTheMachine) {
  const nlohmann::ordered_json tests = bench_json(results_, {});
  const std::string csv = bench_text(tests, "csv");
  EXPECT_THAT(csv, StartsWith("test,avg_ts,"));
  EXPECT_THAT(csv, HasSubstr("\n\"tg4\","));
  EXPECT_THAT(csv, HasSubstr(R"(,"a ""model""",)"));
  EXPECT_THAT(csv, testing::EndsWith(",0.1 0.2 0.3\n"));
  const std::string table = bench_text(bench_json(results_, read(R"([{"test": "tg4", "avg_ts": 0.1}])")), "md");
  EXPECT_THAT(table, StartsWith("instruction set avx2, keys in F16, values in F16\n\n| model |"));
  results_[0].result.model = "a|b";
  EXPECT_THAT(bench_text(bench_json(results_, {}), "md"), HasSubstr(R"(| a\|b | 2 | tg4 |)"));
  EXPECT_THAT(table,
              HasSubstr(R"(| a "model" | 2 | tg4 | 0.20 | 0.10 | 3 | 0.20 | 100 % | bandwidth 0.0 GB/s | 2.000 |)"));
}

}  // namespace
}  // namespace patina::apps
