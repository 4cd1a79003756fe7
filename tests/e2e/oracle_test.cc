#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "e2e/program.h"
#include "engine/runtime.h"
#include "kernels/dispatch.h"
#include "model/kv_cache.h"
#include "sampling/sampler.h"

// The embedded model, or Gemma 3 270M where PATINA_E2E_MODEL names it, against llama.cpp's golden figures
// (scripts/golden/model.py). llama.cpp rounds activations to 8 bits; --precise does not, so its logits differ by that
// rounding: within 5 % of their spread for K-quants and Q8_0.
namespace patina::e2e {
namespace {

using nlohmann::json;

constexpr double kNearTie = 0.05;  // a gap between two logits that rounding may turn round

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/model" / name;
}

std::string golden_name() { return std::getenv("PATINA_E2E_MODEL") == nullptr ? "embedded" : "gemma"; }

json golden_figures() { return json::parse(read_file(golden(golden_name() + ".json"))); }

// The program's model, with or without the golden adapter, in f32.
class Oracle {
 public:
  explicit Oracle(bool adapter)
      : runtime_(engine::Runtime::open(options(adapter))), context_(runtime_->make_context(buffers_)) {}

  const engine::Runtime& runtime() const { return *runtime_; }

  // The logits after each of `tokens` from `first` on.
  std::vector<std::vector<float>> logits(const std::vector<int32_t>& tokens, size_t first) {
    model::KvCache cache(runtime_->model().hyper(), static_cast<int64_t>(tokens.size()));
    model::KvSequence sequence(cache);
    sequence.grow(static_cast<int64_t>(tokens.size()));
    const std::vector<model::SequencePart> parts = {{tokens, &sequence}};
    std::vector<int32_t> rows;
    rows.reserve(tokens.size());
    for (size_t i = first; i < tokens.size(); ++i) rows.push_back(static_cast<int32_t>(i));
    const ops::Tensor hidden = runtime_->model().hidden(context_, parts, rows, runtime_->attachment());
    const ops::Tensor all = runtime_->model().logits(context_, hidden, runtime_->attachment());
    std::vector<std::vector<float>> result;
    result.reserve(static_cast<size_t>(all.rows()));
    for (int64_t i = 0; i < all.rows(); ++i) result.emplace_back(all.row(i), all.row(i) + all.cols());
    return result;
  }

 private:
  static engine::RuntimeOptions options(bool adapter) {
    engine::RuntimeOptions options;
    options.model = model_path();
    options.precise = true;
    options.threads = 2;
    if (adapter) options.adapters = {{golden(golden_name() + "-adapter.gguf"), 1.0F}};
    return options;
  }

  std::unique_ptr<engine::Runtime> runtime_;
  tensor::BufferPool buffers_;
  ops::Context context_;
};

void expect_logits(const std::vector<float>& logits, const json& expected) {
  double error = 0;
  double size = 0;
  double mean = 0;
  for (const json& entry : expected) mean += entry[1].get<double>() / static_cast<double>(expected.size());
  for (const json& entry : expected) {
    const double value = entry[1];
    error += std::pow(logits[entry[0].get<size_t>()] - value, 2);
    size += std::pow(value - mean, 2);
  }
  EXPECT_LT(std::sqrt(error / size), 0.05);
}

// Each of the oracle's greedy tokens, given all before it, is ours too, or the oracle itself was all but undecided.
void expect_greedy(const std::vector<std::vector<float>>& logits, const json& test) {
  for (size_t i = 0; i < logits.size(); ++i) {
    const int32_t ours = sampling::argmax(logits[i]);
    if (ours == test["greedy"][i].get<int32_t>()) continue;
    EXPECT_LT(test["gaps"][i].get<double>(), kNearTie) << "token " << i << " is " << ours;
  }
}

class OracleTest : public testing::TestWithParam<bool> {};

TEST_P(OracleTest, LogitsAndGreedyTokensAreLlamaCpps) {
  Oracle oracle(GetParam());
  const json figures = golden_figures();
  for (const json& test : figures["cases"]) {
    if (test["adapter"].get<bool>() != GetParam()) continue;
    SCOPED_TRACE(test["prompt"].get<std::string>());
    std::vector<int32_t> tokens = test["tokens"];
    EXPECT_EQ(oracle.runtime().tokenizer().encode(test["prompt"].get<std::string>()), tokens);
    const size_t last = tokens.size() - 1;
    const std::vector<int32_t> greedy = test["greedy"];
    tokens.insert(tokens.end(), greedy.begin(), greedy.end() - 1);
    const std::vector<std::vector<float>> logits = oracle.logits(tokens, last);
    expect_logits(logits.front(), test["logits"]);
    expect_greedy(logits, test);
  }
}

INSTANTIATE_TEST_SUITE_P(Adapters, OracleTest, testing::Bool());

// What `patina perplexity` prints for the golden text, with these flags and after this command of the shell.
double perplexity(const std::vector<std::string>& flags = {}, const std::string& setup = ":") {
  const json expected = golden_figures()["perplexity"];
  std::vector<std::string> arguments = {"perplexity",
                                        "-m",
                                        model_path().string(),
                                        "-f",
                                        golden("text.txt").string(),
                                        "-c",
                                        std::to_string(expected["context"].get<int>()),
                                        "--chunks",
                                        std::to_string(expected["chunks"].get<int>()),
                                        "-t",
                                        "2"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Outcome outcome = run(arguments, "", setup);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  std::smatch found;
  const bool printed = std::regex_search(outcome.out, found, std::regex("Final estimate: PPL = ([0-9.]+)"));
  EXPECT_TRUE(printed) << outcome.out << outcome.err;
  return printed ? std::stod(found[1]) : NAN;
}

TEST(Oracle, PerplexityIsLlamaCppsWithinOnePercent) {
  const double expected = golden_figures()["perplexity"]["value"];
  EXPECT_NEAR(perplexity(), expected, 0.01 * expected);
}

// At every level that this machine has, but with Gemma the scalar one, which would take minutes.
TEST(Oracle, PerplexityIsThePreciseOnesWithinThreePerMille) {
  const double precise = perplexity({"--precise"});
  for (const kernels::Level level : kernels::available_levels()) {
    if (level == kernels::Level::kScalar && golden_name() == "gemma") continue;
    const std::string_view name = kernels::kernels_for(level).name;
    EXPECT_NEAR(perplexity({}, fmt::format("export PATINA_ISA={}", name)), precise, 0.003 * precise) << name;
  }
}

}  // namespace
}  // namespace patina::e2e
