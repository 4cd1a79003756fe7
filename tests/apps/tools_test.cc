#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "apps/command.h"
#include "apps/commands.h"
#include "apps/quote.h"
#include "io/model_file.h"
#include "io/test_files.h"

// The commands quantize, inspect and tokenize, as typed.
namespace patina::apps {
namespace {

using io::MetaArray;
using io::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> words) {
  words.insert(words.begin(), "patina");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_program(all_commands(), words);
  std::string out = testing::internal::GetCapturedStdout();
  return {.code = code, .out = std::move(out), .err = testing::internal::GetCapturedStderr()};
}

class Tools : public testing::Test {
 protected:
  // A file of an architecture that patina does not run.
  Tools() {
    io::Metadata metadata;
    metadata.set("general.architecture", std::string("falcon"));
    metadata.set("tokenizer.ggml.model", std::string("llama"));
    std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
    std::vector<int64_t> kinds = {2, 3, 3};
    for (int byte = 0; byte < 256; ++byte) tokens.push_back(fmt::format("<0x{:02X}>", byte));
    kinds.resize(tokens.size(), 6);
    for (const char* token : {"▁", "a", "▁a"}) tokens.emplace_back(token);
    kinds.resize(tokens.size(), 1);
    std::vector<double> scores(tokens.size());
    std::iota(scores.begin(), scores.end(), 0);
    metadata.set("tokenizer.ggml.tokens", MetaArray(tokens));
    metadata.set("tokenizer.ggml.scores", MetaArray(scores));
    metadata.set("tokenizer.ggml.token_type", MetaArray(kinds));
    metadata.set("evil", std::string("\x1b[2J\xFF"));
    const std::vector<float> weights(256UL * 4, 0.5F);
    const std::vector<io::TensorToWrite> tensors = {
        {"blk.0.ffn_up.weight", quant::DType::kF32, {256, 4}, std::as_bytes(std::span(weights))}};
    io::write_gguf(model_, metadata, tensors);
  }

  std::string path(const std::string& name) { return (folder_ / name).string(); }

  TemporaryFolder folder_;
  std::string model_ = path("model.gguf");
};

TEST_F(Tools, TokenizePrintsIds) {
  EXPECT_EQ(run({"tokenize", "-m", model_, "-p", "a</s>a\n", "--ids"}).out, "[1, 261, 2, 261, 13]\n");
  EXPECT_EQ(run({"tokenize", "-m", model_, "-p", "a", "--ids", "--no-bos"}).out, "[261]\n");
  EXPECT_EQ(run({"tokenize", "-m", model_, "-p", "</s>", "--ids", "--no-parse-special", "--no-bos"}).out,
            "[259, 63, 50, 118, 65]\n");
}

TEST_F(Tools, TokenizePrintsALineAToken) {
  EXPECT_EQ(
      run({"tokenize", "-m", model_, "-p", "a\né'"}).out,
      "     1 -> '<s>'\n   261 -> ' a'\n    13 -> '\\n'\n   198 -> '\\xC3'\n   172 -> '\\xA9'\n    42 -> '\\''\n");
}

TEST_F(Tools, TokenizeTakesFilesByteByByte) {
  io::write_bytes(path("text"), std::as_bytes(std::span(std::string_view("a\n"))));
  EXPECT_EQ(run({"tokenize", "-m", model_, "-f", path("text"), "--ids"}).out, "[1, 261, 13]\n");
  EXPECT_THAT(run({"tokenize", "-m", model_, "-f", path("none")}).err, HasSubstr("cannot open"));
}

TEST_F(Tools, TokenizeWantsOneText) {
  for (const std::vector<std::string>& texts : {std::vector<std::string>{}, {"-p", "a", "-f", "b"}}) {
    std::vector<std::string> words = {"tokenize", "-m", model_};
    words.insert(words.end(), texts.begin(), texts.end());
    const Outcome outcome = run(words);
    EXPECT_NE(outcome.code, 0);
    EXPECT_THAT(outcome.err, HasSubstr("either by -p or by -f"));
  }
}

TEST_F(Tools, InspectShowsAll) {
  const Outcome outcome = run({"inspect", model_});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("Form: GGUF"), HasSubstr("general.architecture"), HasSubstr("string[262]"),
                                 HasSubstr("['<unk>', '<s>', '</s>', '<0x00>'"), HasSubstr("[256, 4]")));
  EXPECT_THAT(outcome.out, HasSubstr("32.00 bits a weight"));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\\x1B[2J\\xFF"), Not(HasSubstr("\x1b"))));
}

TEST_F(Tools, QuantizeWritesASmallerFile) {
  const Outcome outcome = run({"quantize", model_, path("small.gguf"), "q4_k_m", "-t", "2"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("F32 -> Q4_K"), HasSubstr("4.50 bits a weight")));
  EXPECT_THAT(run({"inspect", path("small.gguf")}).out, HasSubstr("4.50 bits a weight"));
}

TEST_F(Tools, QuantizeRefusesWithASentence) {
  const Outcome unknown = run({"quantize", model_, path("out.gguf"), "Q4_K_N"});
  EXPECT_NE(unknown.code, 0);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("unknown type Q4_K_N"), HasSubstr("did you mean Q4_K_")));
  const Outcome same = run({"quantize", model_, model_, "Q4_0"});
  EXPECT_NE(same.code, 0);
  EXPECT_THAT(same.err, HasSubstr("is the input itself"));
  EXPECT_NE(run({"quantize", model_, path("out.gguf")}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(path("out.gguf")));
}

TEST(Quote, IsOneSafeLine) {
  EXPECT_EQ(quote("a 鱼\t\\"), "'a 鱼\\t\\\\'");
  EXPECT_EQ(quote(std::string_view("\0\x7F\xC3", 3)), "'\\x00\\x7F\\xC3'");
  EXPECT_EQ(quote("鱼鱼鱼", 7), "'鱼鱼'...");
  EXPECT_EQ(quote("鱼", 3), "'鱼'");
  EXPECT_EQ(quote("abc", 0), "''...");
}

}  // namespace
}  // namespace patina::apps
