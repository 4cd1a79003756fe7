#include "train/data/text_lines.h"

#include "train/test_support.h"

namespace patina::train {
namespace {

TEST(TextLines, EndWhereAnySystemEndsThem) {
  const std::string text = "a\r\nb\rc\n\r\nd\r";
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size(); at = line_at(text, at).next) lines.emplace_back(line_at(text, at).text);
  EXPECT_THAT(lines, testing::ElementsAre("a", "b", "c", "", "d"));
}

TEST(TextLines, BeginBehindByteOrderMarks) {
  EXPECT_EQ(line_at("\xEF\xBB\xBF"
                    "a \xEF\xBB\xBF.\n",
                    0)
                .text,
            "a \xEF\xBB\xBF.");
}

TEST(TextLines, PositionsCountLinesAndCharacters) {
  const std::string text = "a\r\n讲一b\r\n\nx";
  const auto expect = [&](size_t offset, size_t line, size_t column) {
    const TextPosition position = position_in(text, offset);
    EXPECT_EQ(position.line, line) << offset;
    EXPECT_EQ(position.column, column) << offset;
  };
  expect(0, 1, 1);
  expect(3, 2, 1);
  expect(6, 2, 2);
  expect(9, 2, 3);
  expect(12, 3, 1);
  expect(13, 4, 1);
  expect(14, 4, 2);
}

TEST(TextLines, BlankOnesAreSkipped) {
  EXPECT_EQ(skip_blank_lines("\xEF\xBB\xBF\n \t\n　\r\n  a", 0), 12);
  EXPECT_EQ(skip_blank_lines(" \n\n", 0), 3);
  EXPECT_EQ(trimmed(" \t a b\n"), "a b");
  EXPECT_EQ(indentation("　 \tb "), "　 \t");
}

}  // namespace
}  // namespace patina::train
