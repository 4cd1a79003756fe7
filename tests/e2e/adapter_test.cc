#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "adapter/lora_adapter.h"
#include "e2e/program.h"

// An adapter in every form, and put into its model, must act the same: `eval` is asked.
namespace patina::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path source(const std::string& path) { return fs::path(PATINA_SOURCE_DIR) / path; }
const std::string kAdapter = source("tests/golden/model/embedded-adapter.gguf").string();

class AdapterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("PATINA_E2E_MODEL") != nullptr) GTEST_SKIP() << "the adapter is the embedded model's";
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string model() const { return model_path().string(); }

  // The loss of the two rows with f32 activations.
  static double loss(const std::string& model, const std::string& adapter) {
    std::vector<std::string> arguments = {"eval",      "-m", model, "--data", source("data/two-rows.txt").string(),
                                          "--precise", "-t", "2"};
    if (!adapter.empty()) arguments.insert(arguments.end(), {"--lora", adapter});
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    std::smatch found;
    EXPECT_TRUE(std::regex_search(outcome.out, found, std::regex("loss = ([0-9.]+)"))) << outcome.out;
    return found.empty() ? 0 : std::stod(found[1]);
  }

  static void succeed(const std::vector<std::string>& arguments) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }

  static void refuse(const std::vector<std::string>& arguments, const std::string& part) {
    const Outcome outcome = run(arguments);
    EXPECT_NE(outcome.code, 0);
    EXPECT_THAT(outcome.err, HasSubstr(part));
  }

  TemporaryFolder folder_;
};

TEST_F(AdapterTest, ActsTheSameInEveryForm) {
  const double plain = loss(model(), "");
  const double adapted = loss(model(), kAdapter);
  EXPECT_GT(std::abs(adapted - plain), 0.1);
  succeed({"adapter", "convert", kAdapter, path("peft"), "--to", "peft", "--base", model()});
  EXPECT_NEAR(loss(model(), path("peft")), adapted, 1e-5);
  succeed({"adapter", "convert", path("peft"), path("old.bin"), "--to", "ggla", "--base", model()});
  EXPECT_NEAR(loss(model(), path("old.bin")), adapted, 1e-5);
  succeed({"adapter", "convert", path("old.bin"), path("new.gguf"), "--to", "gguf", "--type", "f16"});
  EXPECT_NEAR(loss(model(), path("new.gguf")), adapted, 1e-5);
}

TEST_F(AdapterTest, ScalesMergesAndAverages) {
  const double adapted = loss(model(), kAdapter);
  succeed({"adapter", "scale", kAdapter, path("half.gguf"), "0.5"});
  EXPECT_GT(std::abs(loss(model(), path("half.gguf")) - adapted), 0.05);
  succeed({"adapter", "merge", path("both.gguf"), "--lora", path("half.gguf"), "--lora-scaled", kAdapter + ":0.5"});
  EXPECT_NEAR(loss(model(), path("both.gguf")), adapted, 1e-5);
  // (1 * 0.5 + 3 * 1) / 4 = 0.875
  succeed({"adapter", "average", path("mean.gguf"), "--lora", path("half.gguf"), "--lora-scaled", kAdapter + ":3"});
  succeed({"adapter", "scale", path("mean.gguf"), path("full.gguf"), "1.1428571"});
  EXPECT_NEAR(loss(model(), path("full.gguf")), adapted, 1e-5);
}

// Without a type the embedded model's Q8_0 is quantized anew, which costs 0.4 % of a weight's deviation.
TEST_F(AdapterTest, MergedIntoItsModel) {
  const double adapted = loss(model(), kAdapter);
  succeed({"merge", model(), kAdapter, path("f32.gguf"), "--type", "F32"});
  EXPECT_NEAR(loss(path("f32.gguf"), ""), adapted, 1e-4);
  succeed({"merge", model(), kAdapter, path("same.gguf")});
  EXPECT_NEAR(loss(path("same.gguf"), ""), adapted, 0.01 * adapted);
  EXPECT_EQ(fs::file_size(path("same.gguf")), fs::file_size(model()));
}

// What is asked of the merged model is wrapped as for the adapter. In full precision, in which both compute the same.
TEST_F(AdapterTest, MergedModelsKeepThePromptTemplate) {
  adapter::LoraAdapter adapter = adapter::load_lora(kAdapter);
  adapter.prompt_template = "instruction";
  adapter::save_lora(adapter, path("a.gguf"), quant::DType::kF32);
  succeed({"merge", model(), path("a.gguf"), path("merged.gguf"), "--type", "F32"});
  const auto ask = [](const std::vector<std::string>& source) {
    std::vector<std::string> arguments = {"main", "-n", "12",        "--temp", "0",
                                          "-t",   "2",  "--precise", "-p",     "What is a patina?"};
    arguments.insert(arguments.end(), source.begin(), source.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome;
  };
  const Outcome merged = ask({"-m", path("merged.gguf")});
  EXPECT_EQ(merged.out, ask({"-m", model(), "--lora", path("a.gguf")}).out);
  EXPECT_THAT(merged.err, HasSubstr("wrapped in the instruction template that the model's file names"));
}

// The lengths of rows are computed once for the layer's output, and once for the merged weights.
TEST_F(AdapterTest, WithMagnitudesLaidOverTheModelAndMerged) {
  adapter::LoraAdapter adapter = adapter::load_lora(kAdapter);
  for (adapter::LoraEntry& entry : adapter.entries) {
    entry.magnitude = tensor::BufferPool().make(entry.b.rows(), 1);
    for (int64_t i = 0; i < entry.b.rows(); ++i) *entry.magnitude.row(i) = 1.0F + static_cast<float>(i % 3) / 4;
  }
  adapter::save_lora(adapter, path("dora.gguf"), quant::DType::kF32);
  const double adapted = loss(model(), path("dora.gguf"));
  EXPECT_GT(std::abs(adapted - loss(model(), kAdapter)), 0.05);
  succeed({"merge", model(), path("dora.gguf"), path("f32.gguf"), "--type", "F32"});
  EXPECT_NEAR(loss(path("f32.gguf"), ""), adapted, 1e-3);
  succeed({"adapter", "convert", path("dora.gguf"), path("peft"), "--to", "peft", "--base", model()});
  EXPECT_NEAR(loss(model(), path("peft")), adapted, 1e-5);
}

// Of tiny models with one byte a token: one with an output of its own, one whose embeddings are its output, too.
TEST_F(AdapterTest, OfEmbeddingsActsTheSameInEveryForm) {
  for (const std::string name : {"llama", "gemma3"}) {
    const std::string base = source("tests/golden/gradients/" + name + ".gguf").string();
    const std::string adapter = source("tests/golden/gradients/" + name + "-vocabulary-adapter.gguf").string();
    const double adapted = loss(base, adapter);
    EXPECT_GT(std::abs(adapted - loss(base, "")), 0.02);
    succeed({"adapter", "convert", adapter, path(name + "-peft"), "--to", "peft", "--base", base});
    EXPECT_NEAR(loss(base, path(name + "-peft")), adapted, 1e-4);
    succeed({"adapter", "convert", path(name + "-peft"), path(name + ".bin"), "--to", "ggla", "--type", "f32", "--base",
             base});
    EXPECT_NEAR(loss(base, path(name + ".bin")), adapted, 1e-4);
    succeed({"adapter", "scale", adapter, path(name + "-half.gguf"), "0.5"});
    succeed({"adapter", "merge", path(name + "-both.gguf"), "--lora", path(name + "-half.gguf"), "--lora-scaled",
             adapter + ":0.5"});
    EXPECT_NEAR(loss(base, path(name + "-both.gguf")), adapted, 1e-4);
    succeed({"adapter", "average", path(name + "-mean.gguf"), "--lora", adapter, "--lora", path(name + ".bin"),
             "--base", base});
    EXPECT_NEAR(loss(base, path(name + "-mean.gguf")), adapted, 1e-4);
    succeed({"merge", base, adapter, path(name + "-merged.gguf"), "--type", "F32"});
    EXPECT_NEAR(loss(path(name + "-merged.gguf"), ""), adapted, 1e-4);
  }
  refuse({"eval", "-m", source("tests/golden/gradients/gemma3.gguf").string(), "--lora",
          source("tests/golden/gradients/llama-vocabulary-adapter.gguf").string(), "--data",
          source("data/two-rows.txt").string()},
         "architecture llama");
}

TEST_F(AdapterTest, InfoPrintsWhatIsInIt) {
  const Outcome outcome = run({"adapter", "info", kAdapter});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Form: gguf\nArchitecture: llama\n"));
  EXPECT_THAT(outcome.out, HasSubstr("blk.0.ffn_down"));
  const Outcome peft = run({"adapter", "info", source("tests/golden/peft/patterns").string()});
  EXPECT_EQ(peft.code, 0) << peft.err;
  EXPECT_THAT(peft.out, HasSubstr("Form: peft\nArchitecture: -\n"));
}

TEST_F(AdapterTest, NothingThatIsReadIsOverwritten) {
  fs::copy_file(kAdapter, path("a.gguf"));
  fs::create_symlink(path("a.gguf"), path("link.gguf"));
  refuse({"adapter", "scale", path("a.gguf"), path("link.gguf"), "2"}, "is read from");
  refuse({"adapter", "merge", path("a.gguf"), "--lora", kAdapter, "--lora", path("link.gguf")}, "is read from");
  refuse({"merge", model(), path("a.gguf"), path("link.gguf")}, "is the adapter");
  refuse({"merge", model(), path("a.gguf"), model()}, "is the input itself");
  EXPECT_EQ(read_file(path("a.gguf")), read_file(kAdapter));
}

TEST_F(AdapterTest, SaysWhatIsMissing) {
  const std::string peft = source("tests/golden/peft/plain").string();
  refuse({"adapter", "convert", peft, path("out.gguf"), "--to", "gguf"}, "--base");
  refuse({"adapter", "convert", kAdapter, path("out"), "--to", "peft"}, "--base");
  refuse({"adapter", "convert", kAdapter, path("out")}, "--to");
  refuse({"adapter", "merge", path("out.gguf")}, "--lora");
  refuse({"adapter", "convrt"}, "convert");
  refuse({"merge", model(), kAdapter, path("out.gguf"), "--type", "Q4"}, "Q4_0");
  EXPECT_FALSE(fs::exists(path("out.gguf")) || fs::exists(path("out")));
}

}  // namespace
}  // namespace patina::e2e
