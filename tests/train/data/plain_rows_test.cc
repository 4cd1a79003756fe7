#include "train/data/plain_rows.h"

#include "train/data/rows_support.h"

namespace patina::train {
namespace {

TEST(LineRows, ReadsALineAtATime) {
  const std::vector<FoundRow> rows = rows_of("one\n\n  two three \n\t\n四\n### Instruction\n", "plain lines");
  ASSERT_EQ(rows.size(), 4);
  const std::vector<std::string> texts = {"one", "two three", "四", "### Instruction"};
  const std::vector<size_t> lines = {1, 3, 5, 6};
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].row.kind, RowKind::kText);
    EXPECT_TRUE(rows[i].row.ends);
    EXPECT_EQ(turns_of(rows[i].row), "assistant: " + texts[i] + "\n");
    EXPECT_EQ(rows[i].line, lines[i]);
  }
}

TEST(LineRows, TextThatOnlyLooksLikeAnotherFormIsPlain) {
  for (const char* text :
       {"[INST] hello", "{not json}", "A text, more text", "prompt", "## Instruction:", "a ### Input:"}) {
    EXPECT_EQ(rows_of(text, "plain lines").size(), 1) << text;
  }
}

}  // namespace
}  // namespace patina::train
