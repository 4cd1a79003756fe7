#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "e2e/program.h"
#include "e2e/terminal.h"
#include "io/ggml_legacy/writer.h"
#include "io/model_file.h"

namespace patina::e2e {
namespace {

using testing::HasSubstr;

struct Pair {
  std::string question;
  std::string answer;
};

const std::vector<Pair>& rows() {
  static const std::vector<Pair> rows = {{"讲一个笑话。", "为什么鱼不说话？因为它们怕水泄露秘密！"},
                                         {"苹果和橙子哪个更甜？", "通常来说，苹果比橙子甜，不过也要看品种。"}};
  return rows;
}

class Finetune : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(model_path())) << model_path() << " is not there";
    std::string text;
    for (const Pair& row : rows()) {
      text += "### Instruction:\n" + row.question + "\n### Response:\n" + row.answer + "\n";
    }
    write("rows.txt", text);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  Outcome finetune(std::vector<std::string> arguments, const std::string& setup = ":") const {
    arguments.insert(arguments.begin(), {"finetune", "-m", model_.string(), "-t", "2"});
    return run(arguments, "", setup);
  }

  std::string ask(const std::string& question, const std::string& temperature, int seed) const {
    return run({"main", "-m", model_.string(), "-t", "2", "--lora", folder_ / "lora.bin", "-p", question, "--temp",
                temperature, "--seed", std::to_string(seed), "-q", "--no-display-prompt"})
        .out;
  }

  // Trained with one of `flags` and data, the run is refused and the adapter that was there stays.
  void expect_refused(const std::string& data, const std::vector<std::string>& flags, const std::string& part) const {
    write("lora.bin", "precious");
    write("data.txt", data);
    std::vector<std::string> arguments = {"--train-data", folder_ / "data.txt", "--save-path", folder_ / "lora.bin"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = finetune(arguments);
    EXPECT_GT(outcome.code, 0);
    EXPECT_THAT(outcome.err, HasSubstr("error: "));
    EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_EQ(read_file(folder_ / "lora.bin"), "precious");
  }

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

  TemporaryFolder folder_;
  std::filesystem::path model_ = model_path();
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

// The same two questions in every form, also in several files, train the same adapter.
TEST_F(Finetune, FormsOfDataMakeNoDifference) {
  const Pair& first = rows()[0];
  const Pair& second = rows()[1];
  const std::string json = R"({"prompt": ")" + first.question + R"(", "completion": ")" + first.answer + R"("})";
  const std::string alpaca =
      R"({"instruction": ")" + second.question + R"(", "input": "", "output": ")" + second.answer + R"("})";
  write("lines.jsonl", json + "\n" + alpaca + "\n");
  write("array.json", "[" + json + ",\n" + alpaca + "]");
  write("table.csv", "completion,prompt\n" + first.answer + "," + first.question + "\n\"" + second.answer + "\"," +
                         second.question + "\n");
  std::filesystem::create_directory(folder_ / "data");
  write("data/1.json", "[" + json + "]");
  write("data/2.jsonl", alpaca);
  const auto train = [&](const std::string& data, const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {
        "--train-data", folder_ / data, "--save-path", folder_ / "lora.bin", "--epochs", "2", "--lora-targets", "attn"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = finetune(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_file(folder_ / "lora.bin");
  };
  const std::string expected = train("rows.txt", {});
  for (const char* name : {"lines.jsonl", "array.json", "table.csv", "data"})
    EXPECT_EQ(train(name, {}), expected) << name;
  EXPECT_EQ(train("data/1.json", {"--train-data", folder_ / "data/2.jsonl"}), expected);
  EXPECT_NE(train("rows.txt", {"--no-mask-prompt"}), expected);
}

TEST_F(Finetune, LearnsConversationsInAChatFormat) {
  write("chat.jsonl", R"({"messages": [{"role": "user", "content": "讲一个笑话。"},)"
                      R"( {"role": "assistant", "content": "为什么鱼不说话？因为它们怕水泄露秘密！"}]})");
  const Outcome outcome = finetune({"--train-data", folder_ / "chat.jsonl", "--save-path", folder_ / "lora.bin",
                                    "--chat-template", "zephyr", "--epochs", "80"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("1 conversation"));
  // The adapter names its format, and prompts are put into it.
  EXPECT_EQ(ask(rows()[0].question, "0", 1), rows()[0].answer + "\n");
  const Outcome evaluation =
      run({"eval", "-m", model_.string(), "-t", "2", "--lora", folder_ / "lora.bin", "--data", folder_ / "chat.jsonl"});
  double loss = 9;
  EXPECT_EQ(std::sscanf(evaluation.out.c_str(), "loss = %lf", &loss), 1) << evaluation.err;
  EXPECT_LT(loss, 0.1);
}

TEST_F(Finetune, LearnsPreferences) {
  std::string lines;
  for (const Pair& row : rows()) {
    lines +=
        R"({"prompt": ")" + row.question + R"(", "chosen": ")" + row.answer + R"(", "rejected": "不知道。"})" + "\n";
  }
  write("pairs.jsonl", lines);
  const auto eval = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"eval", "-q", "-m", model_.string(), "--data", folder_ / "pairs.jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  EXPECT_THAT(eval({}).out, HasSubstr("preferred = 0 of 2"));
  for (const std::string preference : {"", "orpo"}) {
    std::vector<std::string> arguments = {"--train-data", folder_ / "pairs.jsonl", "--save-path", folder_ / "lora.bin",
                                          "--val-data",   folder_ / "pairs.jsonl"};
    if (!preference.empty()) arguments.insert(arguments.end(), {"--preference", preference});
    const Outcome outcome = finetune(arguments);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err.find("learned by dpo") != std::string::npos, preference.empty()) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("2 preferences"));
    EXPECT_THAT(outcome.out, HasSubstr("the chosen answer is preferred in 2 of 2 rows"));
  }
  EXPECT_THAT(eval({"--lora", folder_ / "lora.bin"}).out, HasSubstr("preferred = 2 of 2"));
  const std::string mixed = lines + R"({"prompt": "a", "completion": "b"})" + "\n";
  write("mixed.jsonl", mixed);
  expect_refused(mixed, {}, "2 of 3 rows have a chosen and a rejected answer");
  expect_refused(read_file(folder_ / "rows.txt"), {"--preference", "orpo"}, "0 of 2 rows have a chosen");
  expect_refused(lines, {"--beta", "0"}, "--beta must be above 0");
  const Outcome chosen = finetune({"--train-data", folder_ / "mixed.jsonl", "--preference", "sft", "--save-path",
                                   folder_ / "lora.bin", "--max-steps", "1"});
  EXPECT_EQ(chosen.code, 0) << chosen.err;
}

TEST_F(Finetune, MeasuresRowsThatItDoesNotLearn) {
  const auto loss_after = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"--train-data", folder_ / "rows.txt", "--save-path", folder_ / "lora.bin"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = finetune(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    double before = -1;
    double after = -1;
    const size_t at = outcome.out.find("loss of the measured rows: ");
    EXPECT_NE(at, std::string::npos) << outcome.out;
    if (at == std::string::npos) return after;
    EXPECT_EQ(std::sscanf(outcome.out.c_str() + at, "loss of the measured rows: %lf -> %lf", &before, &after), 2);
    EXPECT_GT(before, 1.0);
    return after;
  };
  EXPECT_LT(loss_after({"--val-data", folder_ / "rows.txt"}), 0.1);
  EXPECT_GT(loss_after({"--val-split", "0.5", "--epochs", "80"}), 1.0);  // of two rows one was not learned
  expect_refused("a\nb\n", {"--val-split", "0.5", "--val-data", folder_ / "rows.txt"}, "either by --val-data or by");
  expect_refused("a\n", {"--val-split", "0.5"}, "of a single row none can be held out");
}

TEST_F(Finetune, SkipsBadRowsOnRequest) {
  write("bad.jsonl", "{\"text\": \"a\"}\n{\"text\": 5}\n{\"text\": \"b\"\n{\"text\": \"c\"}\n");
  const std::vector<std::string> arguments = {
      "--train-data", folder_ / "bad.jsonl", "--save-path", folder_ / "lora.bin", "--epochs", "1"};
  const Outcome refused = finetune(arguments);
  EXPECT_GT(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("bad.jsonl:2: \"text\" is no text"));
  std::vector<std::string> skipping = arguments;
  skipping.emplace_back("--skip-bad-rows");
  const Outcome outcome = finetune(skipping);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("bad.jsonl:2: \"text\" is no text"));
  EXPECT_THAT(outcome.err, HasSubstr("bad.jsonl:3:13: no valid JSON"));
  EXPECT_THAT(outcome.err, HasSubstr("2 plain texts"));
}

TEST_F(Finetune, ShowsWhatIsInTheData) {
  write("data.csv", "prompt,completion\na,b c\nd,e\na,b c\nf,\n");
  const auto check = [&](std::vector<std::string> flags) {
    std::vector<std::string> arguments = {"data", "check", folder_ / "data.csv"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run(arguments);
  };
  const Outcome characters = check({});
  EXPECT_THAT(check({"-c", "9"}).err, HasSubstr("give that by -m"));
  EXPECT_GT(characters.code, 0);
  EXPECT_THAT(characters.err, HasSubstr("data.csv:5: \"completion\" is empty"));
  EXPECT_THAT(characters.out, HasSubstr("data.csv: CSV\nrows: 3 (3 questions, 0 conversations, 0 plain texts)\n"
                                        "characters: 10, of which 7 are learned; 3.3 a row, 4 the longest\n"
                                        "bad rows: 1\nduplicates: 1\n"));
  EXPECT_THAT(characters.out, HasSubstr("data.csv:4 repeats "));
  EXPECT_THAT(characters.out, HasSubstr("user: a\nassistant: ⟦b c⟧\n"));
  EXPECT_THAT(check({folder_ / "rows.txt", "--skip-bad-rows"}).out, HasSubstr("rows: 5 (5 questions"));
  const Outcome tokens = check({"-m", model_.string(), "--skip-bad-rows", "-c", "512"});
  EXPECT_EQ(tokens.code, 0) << tokens.err;
  EXPECT_THAT(tokens.out, HasSubstr("longer than the context of 512: 0\n"));
  EXPECT_THAT(tokens.out, HasSubstr("### Instruction:\na\n### Response:\n⟦b c"));
}

TEST_F(Finetune, ColoursWhatIsLearnedOnATerminal) {
  write("data.csv", "prompt,completion\na,b c\n");
  Terminal terminal({"data", "check", folder_ / "data.csv"}, folder_ / "");
  const std::string learned = "assistant: \033[32mb c\033[0m";
  EXPECT_THAT(terminal.wait_for(learned), HasSubstr(learned));
  EXPECT_EQ(terminal.wait_for_end(), 0);
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
