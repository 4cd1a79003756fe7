#include "train/data/block_rows.h"

#include "tokenizer/chat_template.h"
#include "train/data/rows_support.h"

namespace patina::train {
namespace {

struct Expected {
  std::string prompt;
  std::string response;
  size_t line;
};

void expect_refused(const std::string& text, const std::string& part) {
  expect_error([&] { rows_of(text, "instruction blocks"); }, ErrorKind::kInvalidData, part);
}

void expect_rows(const std::string& text, const std::vector<Expected>& expected) {
  const std::vector<FoundRow> rows = rows_of(text, "instruction blocks");
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(rows[i].row.kind, RowKind::kQuestion);
    EXPECT_EQ(turns_of(rows[i].row), "user: " + expected[i].prompt + "\nassistant: " + expected[i].response + "\n");
    EXPECT_EQ(rows[i].line, expected[i].line);
  }
}

TEST(BlockRows, ReadsBlocks) {
  expect_rows(
      "### Instruction:\n讲一个笑话。\n### Response:\n为什么鱼不说话？因为它们怕水泄露秘密！\n"
      "### Instruction:\n苹果和橙子哪个更甜？\n### Response:\n通常来说，苹果比橙子甜，不过也要看品种。\n",
      {{"讲一个笑话。", "为什么鱼不说话？因为它们怕水泄露秘密！", 1},
       {"苹果和橙子哪个更甜？", "通常来说，苹果比橙子甜，不过也要看品种。", 5}});
}

TEST(BlockRows, ReadsTextsOverSeveralLines) {
  expect_rows("\n### Instruction:\n\n  one\n\n  two\n\n### Response:\n1\n\n2\n\n\n", {{"one\n\n  two", "1\n\n2", 2}});
}

TEST(BlockRows, JoinsInputToThePrompt) {
  expect_rows("### Instruction:\nAdd.\n### Input:\n1, 2\n### Response:\n3", {{"Add.\n### Input:\n1, 2", "3", 1}});
  expect_rows("### Instruction:\nSay hi.\n### Input:\n\n### Response:\nhi", {{"Say hi.", "hi", 1}});
  EXPECT_EQ(tokenizer::wrap_instruction("Add.\n### Input:\n1, 2"),
            "### Instruction:\nAdd.\n### Input:\n1, 2\n### Response:\n");
}

TEST(BlockRows, TakesMarkersAsPeopleWriteThem) {
  const std::vector<Expected> expected = {{"a", "b", 1}};
  expect_rows("### Instruction：\na\n### Response：\nb\n", expected);
  expect_rows("### Instruction: a\n### Response: b\n", expected);
  expect_rows("###instruction :\na\n### RESPONSE:\nb\n", expected);
  expect_rows("    ### Instruction:\n    a\n\n    ### Response:\n    b\n", expected);
  expect_rows("\t### Instruction:\n\ta\n### Response:\n  b\n", expected);
  expect_rows("### Instruction:\na\n### Response:\nb\n### Notes\n", {{"a", "b\n### Notes", 1}});
}

TEST(BlockRows, RemovesIndentationCommonToAllLines) {
  expect_rows("  ### Instruction:\n  a\n  ### Response:\n  if x:\n      y\n\n  z", {{"a", "if x:\n    y\n\nz", 1}});
  expect_rows("　　### Instruction:\n　　a\n　　### Response:\n　　b\n　　　c", {{"a", "b\n　c", 1}});
  expect_rows("\t### Instruction:\n\ta\n\t### Response:\n\tb\n   \t\n\t c", {{"a", "b\n  \t\n c", 1}});
}

TEST(BlockRows, NamesTheLineOfWhatIsMisformed) {
  expect_refused("hello\n### Instruction:\na\n### Response:\nb", "data.txt:1:1: text before the first");
  expect_refused("### Response:\nb", "data.txt:1:1: a response without an instruction");
  expect_refused("### Instruction:\na\n### Response:\nb\n### Response:\nc", "data.txt:5:1: a response without");
  expect_refused("### Instruction:\na\n", "data.txt:1:1: this instruction has no");
  expect_refused("\n### Instruction:\na\n### Instruction:\nb\n### Response:\nc",
                 "data.txt:2:1: this instruction has no");
  expect_refused("### Instruction:\na\n### Input:\nb\n", "data.txt:1:1: this instruction has no");
  expect_refused("### Instruction:\n\n### Response:\nb", "data.txt:1:1: the instruction is empty");
  expect_refused("### Instruction:\na\n### Response:\n \n### Instruction:\nc\n### Response:\nd",
                 "data.txt:3:1: the response is empty");
  expect_refused("### Instruction:\na\n### Response:\n", "data.txt:3:1: the response is empty");
  expect_refused("### Input:\na\n### Response:\nb", "data.txt:1:1: an input that does not follow");
  expect_refused("### Instruction:\na\n### Input:\nb\n### Input:\nc\n### Response:\nd", "data.txt:5:1: an input that");
}

}  // namespace
}  // namespace patina::train
