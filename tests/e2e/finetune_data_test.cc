#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "e2e/finetune_fixture.h"
#include "e2e/program.h"
#include "e2e/terminal.h"

namespace patina::e2e {
namespace {

using testing::HasSubstr;

class FinetuneData : public FinetuneFixture {};

// The same two questions in every form, also in several files, train the same adapter.
TEST_F(FinetuneData, FormsOfDataMakeNoDifference) {
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

TEST_F(FinetuneData, LearnsConversationsInAChatFormat) {
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

TEST_F(FinetuneData, LearnsPreferences) {
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
  const bool embedded = std::getenv("PATINA_E2E_MODEL") == nullptr;  // else Gemma, which prefers one of them
  EXPECT_THAT(eval({}).out, HasSubstr(embedded ? "preferred = 0 of 2" : "preferred = 1 of 2"));
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

TEST_F(FinetuneData, MeasuresRowsThatItDoesNotLearn) {
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

TEST_F(FinetuneData, SkipsBadRowsOnRequest) {
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

TEST_F(FinetuneData, ShowsWhatIsInTheData) {
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

TEST_F(FinetuneData, ColoursWhatIsLearnedOnATerminal) {
  write("data.csv", "prompt,completion\na,b c\n");
  Terminal terminal({"data", "check", folder_ / "data.csv"}, folder_ / "");
  const std::string learned = "assistant: \033[32mb c\033[0m";
  EXPECT_THAT(terminal.wait_for(learned), HasSubstr(learned));
  EXPECT_EQ(terminal.wait_for_end(), 0);
}

}  // namespace
}  // namespace patina::e2e
