#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "e2e/finetune_fixture.h"
#include "e2e/program.h"
#include "io/ggml_legacy/writer.h"
#include "io/model_file.h"

namespace patina::e2e {
namespace {

using testing::HasSubstr;

class Finetune : public FinetuneFixture {
 protected:
  void expect_to_learn() const {
    const std::string base = read_file(model_);
    const Outcome outcome =
        finetune({"-p", "32", "--train-data", folder_ / "rows.txt", "--save-path", folder_ / "lora.bin"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("epochs (chosen by the amount of text)"));
    EXPECT_THAT(outcome.out, HasSubstr("main -m "));
    for (const Pair& row : rows()) {
      EXPECT_EQ(ask(row.question, "0", 1), row.answer + "\n");
      constexpr int kSeeds = 20;
      int right = 0;
      for (int seed = 0; seed < kSeeds; ++seed) right += ask(row.question, "0.7", seed) == row.answer + "\n" ? 1 : 0;
      EXPECT_GE(right, kSeeds - 1);
    }
    EXPECT_TRUE(read_file(model_) == base) << "the model's file has changed";
  }
};

TEST_F(Finetune, LearnsTwoRowsWordForWordByDefault) { expect_to_learn(); }

// The whole process is meant. The estimate is rough for a model that is smaller than the program.
TEST_F(Finetune, SaysHowMuchMemoryItWillTake) {
#ifdef PATINA_SANITIZED
  GTEST_SKIP() << "sanitizers take memory of their own";
#endif
  std::string text;
  for (int i = 0; i < 40; ++i) text += read_file(folder_ / "rows.txt");
  write("many.txt", text);
  const Outcome outcome = finetune(
      {"--train-data", folder_ / "many.txt", "--save-path", folder_ / "lora.bin", "-p", "16", "--max-steps", "3"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  double foreseen = 0;
  double taken = 0;
  const size_t plan = outcome.err.find("this will take about ");
  const size_t end = outcome.err.find("memory: ");
  ASSERT_NE(plan, std::string::npos) << outcome.err;
  ASSERT_NE(end, std::string::npos) << outcome.err;
  ASSERT_EQ(std::sscanf(outcome.err.c_str() + plan, "this will take about %*s and %lf MiB of memory", &foreseen), 1);
  ASSERT_EQ(std::sscanf(outcome.err.c_str() + end, "memory: %lf MiB at most", &taken), 1);
  constexpr double kFixed = 12;  // the heap's own, threads' scratch, what a save copies: little beside a real model
  EXPECT_GT(foreseen + kFixed, taken);
  EXPECT_LT(foreseen, 1.2 * taken);
}

// The terminal's window is closed, or the program that reads what is said ends.
TEST_F(Finetune, SavesWhenNobodyIsThereAnyMore) {
  const auto words = [&](const std::string& adapter, const std::string& epochs) {
    return program_words({"finetune", "-m", model_.string(), "-t", "2", "--train-data", folder_ / "rows.txt",
                          "--save-path", folder_ / adapter, "--epochs", epochs});
  };
  const std::string log = (folder_ / "a.log.jsonl").string();
  const Outcome hung_up = run_shell("{ " + words("a", "1000000") + " & program=$!; until grep -qs '\"step\":3,' '" +
                                    log + "'; do sleep 0.02; done; kill -HUP $program; wait $program; }");
  EXPECT_EQ(hung_up.code, 130) << hung_up.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a.checkpoint"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a"));
  run_shell("{ " + words("b", "40") + " 2>&1 | head -n 3; }");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "b"));
}

TEST_F(Finetune, StaysWithinTheMemoryItIsGiven) {
#ifdef PATINA_SANITIZED
  GTEST_SKIP() << "sanitizers take memory of their own";
#endif
  std::string text;
  for (int i = 0; i < 20; ++i) text += "讲一个笑话。为什么鱼不说话？因为它们怕水泄露秘密！";
  write("book.txt", text);
  const auto with = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {"--train-data", folder_ / "book.txt", "--save-path", folder_ / "lora.bin", "--max-steps", "1"});
    return finetune(flags);
  };
  const Outcome free = with({});
  ASSERT_EQ(free.code, 0) << free.err;
  EXPECT_THAT(free.err, Not(HasSubstr("computed twice")));
  double foreseen = 0;
  ASSERT_EQ(std::sscanf(free.err.c_str() + free.err.find("this will take about "),
                        "this will take about %*s and %lf MiB of memory", &foreseen),
            1);
  // From what it would take downwards, blocks are computed twice before there is too little for that, too.
  Outcome bound;
  for (double mebibytes = foreseen; mebibytes > 0 && bound.err.find("computed twice") == std::string::npos;
       mebibytes -= 1) {
    bound = with({"--max-memory", std::to_string(mebibytes / 1024)});
    ASSERT_EQ(bound.code, 0) << bound.err;
  }
  EXPECT_THAT(bound.err, HasSubstr("every block computed twice"));
  const Outcome refused = with({"--max-memory", "0.001"});
  EXPECT_GT(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("left by --max-memory"));
}

TEST_F(Finetune, EvaluatesRowsWithAndWithoutTheAdapter) {
  const auto evaluate = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"eval", "-m", model_.string(), "-t", "2", "--data", folder_ / "rows.txt"});
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    double loss = -1;
    double perplexity = -1;
    int tokens = -1;
    int count = -1;
    EXPECT_EQ(std::sscanf(outcome.out.c_str(), "loss = %lf\nperplexity = %lf\ntokens = %d\nrows = %d\n", &loss,
                          &perplexity, &tokens, &count),
              4)
        << outcome.out;
    EXPECT_NEAR(perplexity, std::exp(loss), 1e-3 * perplexity);
    EXPECT_EQ(count, 2);
    return std::pair(loss, tokens);
  };
  ASSERT_EQ(finetune({"--train-data", folder_ / "rows.txt", "--save-path", folder_ / "lora.bin"}).code, 0);
  const auto [before, tokens] = evaluate({});
  const auto [after, tokens_after] = evaluate({"--lora", folder_ / "lora.bin"});
  EXPECT_GT(before, 1.0);
  EXPECT_GE(after, 0.0);
  EXPECT_LT(after, 0.1);
  EXPECT_EQ(tokens, tokens_after);
  // Each answer's tokens and the end-of-text after them.
  int expected = 0;
  for (const Pair& row : rows()) {
    const Outcome ids = run({"tokenize", "-m", model_.string(), "--ids", "--no-bos", "-p", row.answer});
    expected += static_cast<int>(std::count(ids.out.begin(), ids.out.end(), ',')) + 2;
  }
  EXPECT_NEAR(tokens, expected, 2);  // a word's beginning may be a token of its own
}

TEST_F(Finetune, LearnsThemOnAGgjtFileToo) {
  if (std::getenv("PATINA_E2E_MODEL") != nullptr) GTEST_SKIP() << "GGJT holds llama models only";
  model_ = folder_ / "model.ggmlv3.q8_0.bin";
  io::write_ggjt(model_, *io::ModelFile::open(model_path()));
  expect_to_learn();
}

TEST_F(Finetune, HintsWhereItCannotLearn) {
  const Outcome outcome =
      finetune({"--train-data", folder_ / "rows.txt", "--outdir", folder_ / "made/here", "--lora-out", "adapter.bin",
                "--epochs", "2", "--batch-size", "1", "--learning-rate", "1e-4", "--save-every", "1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("4 optimizer steps are too few for 2 rows; try --epochs 30"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "made/here/adapter.bin"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "made/here/adapter.bin.checkpoint"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "made/here/adapter.bin.log.jsonl"));
}

TEST_F(Finetune, MeasuresSamplesAndReports) {
  write("valid.txt", "### Instruction:\n苹果和橙子哪个更甜？\n### Response:\n苹果。\n");
  const Outcome outcome = finetune({"--train-data",
                                    folder_ / "rows.txt",
                                    "--save-path",
                                    folder_ / "lora.gguf",
                                    "--epochs",
                                    "6",
                                    "--eval-every",
                                    "2",
                                    "--val-data",
                                    folder_ / "valid.txt",
                                    "--sample-prompt",
                                    rows()[0].question,
                                    "--tensorboard",
                                    folder_ / "events",
                                    "--optimizer",
                                    "lion",
                                    "--lr-schedule",
                                    "wsd",
                                    "--rslora",
                                    "--ema",
                                    "0.5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("step 2: rows kept apart: loss "));
  EXPECT_THAT(outcome.err, HasSubstr("step 6: " + rows()[0].question + " -> "));
  EXPECT_THAT(outcome.out, HasSubstr("least loss of the rows kept apart: "));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "lora.gguf.best.gguf"));
  const std::string report = read_file(folder_ / "lora.gguf.html");
  for (const char* part : {"<svg", "step 4", "--lr-schedule", "main -m "}) EXPECT_THAT(report, HasSubstr(part));
  EXPECT_FALSE(std::filesystem::is_empty(folder_ / "events"));
}

TEST_F(Finetune, TheSavedConfigurationMakesTheSameAdapter) {
  ASSERT_EQ(finetune({"--train-data", folder_ / "rows.txt", "--save-path", folder_ / "a.gguf", "--epochs", "3",
                      "--lora-r", "4", "--lora-plus-ratio", "4", "--neftune", "5"})
                .code,
            0);
  const Outcome again = run({"finetune", "--config", folder_ / "a.gguf.toml", "--save-path", folder_ / "b.gguf"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(read_file(folder_ / "a.gguf") == read_file(folder_ / "b.gguf"));
}

TEST_F(Finetune, TakesTheOldFlags) {
  const Outcome outcome = finetune({"--model-base",
                                    model_.string(),
                                    "--train-data",
                                    folder_ / "rows.txt",
                                    "--lora-out",
                                    folder_ / "old.gguf",
                                    "--lora-r",
                                    "4",
                                    "--adam-iter",
                                    "3",
                                    "--adam-alpha",
                                    "1e-3",
                                    "--batch",
                                    "1",
                                    "--ctx",
                                    "128",
                                    "--rank-wq",
                                    "2",
                                    "--use-checkpointing",
                                    "--checkpoint-in",
                                    "chk.gguf",
                                    "-ngl",
                                    "99"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("--resume goes on"));
  EXPECT_THAT(outcome.err, HasSubstr("in 3 optimizer steps"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "old.gguf"));
}

TEST_F(Finetune, TrainsAnAdapterFurtherAndResumesWhereItCan) {
  const std::vector<std::string> first = {
      "--train-data", folder_ / "rows.txt", "--save-path", folder_ / "one.gguf", "--epochs", "4", "--resume", "auto"};
  ASSERT_EQ(finetune(first).code, 0);
  const std::string once = read_file(folder_ / "one.gguf");
  EXPECT_EQ(finetune(first).code, 0);  // finds its end
  EXPECT_TRUE(read_file(folder_ / "one.gguf") == once);
  const Outcome further = finetune({"--train-data", folder_ / "rows.txt", "--save-path", folder_ / "two.gguf",
                                    "--epochs", "4", "--init-adapter", folder_ / "one.gguf"});
  EXPECT_EQ(further.code, 0) << further.err;
  const Outcome pissa = finetune({"--train-data", folder_ / "rows.txt", "--save-path", folder_ / "three.gguf",
                                  "--epochs", "30", "--lora-init", "pissa", "--learning-rate", "1e-3"});
  EXPECT_EQ(pissa.code, 0) << pissa.err;
  expect_refused("a\n", {"--init-adapter", folder_ / "one.gguf", "--lora-init", "olora"}, "leave --init-adapter out");
}

// As the program uses the file, in every form, and put into the model.
TEST_F(Finetune, TrainsTheEmbeddingsAndTheOutputOnDemand) {
  const bool tied = io::ModelFile::open(model_)->find("output.weight") == nullptr;
  const std::string targets = tied ? "all,token_embd" : "all,token_embd,output";
  const std::string lora = folder_ / "lora.bin";
  const Outcome outcome = finetune({"-p", "32", "--train-data", folder_ / "rows.txt", "--save-path", lora,
                                    "--lora-targets", targets, "--lora-rank-pattern", "token_embd=4"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err.find("llama.cpp takes no adapter of such") != std::string::npos, tied);
  for (const Pair& row : rows()) EXPECT_EQ(ask(row.question, "0", 1), row.answer + "\n");
  const Outcome info = run({"adapter", "info", lora});
  EXPECT_THAT(info.out, HasSubstr("token_embd"));
  EXPECT_EQ(run({"merge", model_.string(), lora, folder_ / "merged.gguf", "--type", "F32"}).code, 0);
  const Outcome merged = run({"main", "-m", folder_ / "merged.gguf", "-t", "2", "-p", rows()[0].question, "--temp", "0",
                              "-q", "--no-display-prompt"});
  EXPECT_EQ(merged.out, rows()[0].answer + "\n") << merged.err;
  const Outcome further = finetune({"--train-data", folder_ / "rows.txt", "--save-path", folder_ / "further.gguf",
                                    "--epochs", "1", "--init-adapter", lora});
  EXPECT_EQ(further.code, 0) << further.err;
  if (tied) expect_refused("a\n", {"--lora-targets", "output"}, "serve as its output");
  expect_refused("a\n", {"--lora-targets", targets, "--dora"}, "leave token_embd out");
}

// The limit on the size of a file stands in for a disk that fills.
TEST_F(Finetune, KeepsWhatWasSavedWhenTheDiskIsFull) {
  const std::vector<std::string> arguments = {"--train-data",       folder_ / "rows.txt", "--save-path",
                                              folder_ / "lora.bin", "--epochs",           "2"};
  ASSERT_EQ(finetune(arguments).code, 0);
  const std::string adapter = read_file(folder_ / "lora.bin");
  const std::string checkpoint = read_file(folder_ / "lora.bin.checkpoint");
  const Outcome outcome = finetune(arguments, "trap '' XFSZ; ulimit -f 64");
  EXPECT_GT(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("error: cannot save"));
  EXPECT_EQ(read_file(folder_ / "lora.bin"), adapter);
  EXPECT_EQ(read_file(folder_ / "lora.bin.checkpoint"), checkpoint);
  // With the rows, the log, the checkpoint before, the report and the configuration.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / ""), {}), 7);
}

TEST_F(Finetune, RefusesBadInputAndOverwritesNothing) {
  expect_refused("", {}, "holds no training text");
  expect_refused("### Instruction:\na\n### Instruction:\nb\n", {}, "data.txt:1: this instruction has no");
  expect_refused("ok\n\xBD\xB2\n", {}, "--encoding gb18030");
  expect_refused("a long line of text that takes more tokens than this\n", {"-c", "8"}, "data.txt:1: this example has");
  expect_refused("a\n", {"--lora-targets", "attn_x"}, "attn_x");
  expect_refused("a\n", {"--resume"}, "to resume from");
  expect_refused("a\n", {"--epocs", "2"}, "did you mean --epochs");
  expect_refused("a\n", {"--save-path", model_path().string()}, "would be overwritten");
}

}  // namespace
}  // namespace patina::e2e
