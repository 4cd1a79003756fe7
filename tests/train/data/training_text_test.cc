#include "train/data/training_text.h"

#include "tokenizer/chat_template.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

struct Expected {
  std::string prompt;
  std::string response;
  size_t line;
};

void expect_rows(const std::string& text, bool instructions, const std::vector<Expected>& expected) {
  const TrainingText parsed = parse_training_text(text, "data.txt");
  EXPECT_EQ(parsed.instructions, instructions);
  ASSERT_EQ(parsed.rows.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(parsed.rows[i].prompt, expected[i].prompt);
    EXPECT_EQ(parsed.rows[i].response, expected[i].response);
    EXPECT_EQ(parsed.rows[i].line, expected[i].line);
  }
}

void expect_refused(const std::string& text, const std::string& part) {
  expect_error([&] { parse_training_text(text, "data.txt"); }, ErrorKind::kInvalidData, part);
}

TEST(TrainingText, ReadsBlocks) {
  expect_rows(
      "### Instruction:\n讲一个笑话。\n### Response:\n为什么鱼不说话？因为它们怕水泄露秘密！\n"
      "### Instruction:\n苹果和橙子哪个更甜？\n### Response:\n通常来说，苹果比橙子甜，不过也要看品种。\n",
      true,
      {{"讲一个笑话。", "为什么鱼不说话？因为它们怕水泄露秘密！", 1},
       {"苹果和橙子哪个更甜？", "通常来说，苹果比橙子甜，不过也要看品种。", 5}});
}

TEST(TrainingText, ReadsTextsOverSeveralLines) {
  expect_rows("\n### Instruction:\n\n  one\n\n  two\n\n### Response:\n1\n\n2\n\n\n", true,
              {{"one\n\n  two", "1\n\n2", 2}});
}

TEST(TrainingText, JoinsInputToThePrompt) {
  expect_rows("### Instruction:\nAdd.\n### Input:\n1, 2\n### Response:\n3", true, {{"Add.\n### Input:\n1, 2", "3", 1}});
  expect_rows("### Instruction:\nSay hi.\n### Input:\n\n### Response:\nhi", true, {{"Say hi.", "hi", 1}});
  EXPECT_EQ(tokenizer::wrap_instruction("Add.\n### Input:\n1, 2"),
            "### Instruction:\nAdd.\n### Input:\n1, 2\n### Response:\n");
}

TEST(TrainingText, TakesMarkersAsPeopleWriteThem) {
  const std::vector<Expected> expected = {{"a", "b", 1}};
  expect_rows("### Instruction：\na\n### Response：\nb\n", true, expected);
  expect_rows("### Instruction: a\n### Response: b\n", true, expected);
  expect_rows("###instruction :\na\n### RESPONSE:\nb\n", true, expected);
  expect_rows("    ### Instruction:\n    a\n\n    ### Response:\n    b\n", true, expected);
  expect_rows("\t### Instruction:\n\ta\n### Response:\n  b\n", true, expected);
  expect_rows("### Instruction:\na\n### Response:\nb\n### Notes\n", true, {{"a", "b\n### Notes", 1}});
}

TEST(TrainingText, RemovesIndentationCommonToAllLines) {
  expect_rows("  ### Instruction:\n  a\n  ### Response:\n  if x:\n      y\n\n  z", true,
              {{"a", "if x:\n    y\n\nz", 1}});
  expect_rows("　　### Instruction:\n　　a\n　　### Response:\n　　b\n　　　c", true, {{"a", "b\n　c", 1}});
  expect_rows("\t### Instruction:\n\ta\n\t### Response:\n\tb\n   \t\n\t c", true, {{"a", "b\n  \t\n c", 1}});
}

TEST(TrainingText, ReadsPlainLines) {
  expect_rows("one\n\n  two three \n\t\n四\n", false, {{"", "one", 1}, {"", "two three", 3}, {"", "四", 5}});
  expect_rows("## Instruction:\n### Instruction\n", false, {{"", "## Instruction:", 1}, {"", "### Instruction", 2}});
}

TEST(TrainingText, NamesTheLineOfWhatIsMisformed) {
  expect_refused("", "data.txt holds no training text");
  expect_refused(" \n\t\n", "data.txt holds no training text");
  expect_refused("hello\n### Instruction:\na\n### Response:\nb", "data.txt:1: text before the first");
  expect_refused("### Response:\nb", "data.txt:1: a response without an instruction");
  expect_refused("### Instruction:\na\n### Response:\nb\n### Response:\nc", "data.txt:5: a response without");
  expect_refused("### Instruction:\na\n", "data.txt:1: this instruction has no");
  expect_refused("\n### Instruction:\na\n### Instruction:\nb\n### Response:\nc", "data.txt:2: this instruction has no");
  expect_refused("### Instruction:\na\n### Input:\nb\n", "data.txt:1: this instruction has no");
  expect_refused("### Instruction:\n\n### Response:\nb", "data.txt:1: the instruction is empty");
  expect_refused("### Instruction:\na\n### Response:\n \n### Instruction:\nc\n### Response:\nd",
                 "data.txt:3: the response is empty");
  expect_refused("### Instruction:\na\n### Response:\n", "data.txt:3: the response is empty");
  expect_refused("### Input:\na\n### Response:\nb", "data.txt:1: an input that does not follow");
  expect_refused("### Instruction:\na\n### Input:\nb\n### Input:\nc\n### Response:\nd", "data.txt:5: an input that");
}

TEST(TrainingText, ReadsFiles) {
  const TemporaryFolder folder;
  write_file(folder / "data.txt", "\xEF\xBB\xBF### Instruction:\r\na\r\n### Response:\r\nb\r\nc");
  const TrainingText text = read_training_text(folder / "data.txt");
  ASSERT_EQ(text.rows.size(), 1);
  EXPECT_EQ(text.rows[0].response, "b\nc");
  write_file(folder / "empty.txt", "");
  expect_error([&] { read_training_text(folder / "empty.txt"); }, ErrorKind::kInvalidData, "empty.txt holds no");
  expect_error([&] { read_training_text(folder / "none.txt"); }, ErrorKind::kNotFound, "none.txt");
}

}  // namespace
}  // namespace patina::train
