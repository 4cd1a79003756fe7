#include "train/data/book_rows.h"

#include <algorithm>

#include "train/data/rows_support.h"

namespace patina::train {
namespace {

// Pieces of at most so many characters.
std::vector<std::string> pieces_of(const std::string& text, size_t most) {
  const BookRows rows(text, most, [](std::string_view piece) {
    return static_cast<size_t>(std::ranges::count_if(piece, [](char c) { return (c & 0xC0) != 0x80; }));
  });
  std::vector<std::string> pieces;
  size_t from = 0;
  while (const std::optional<TextSpan> row = rows.find(from)) {
    const std::optional<TextSpan> again = rows.find(row->begin);
    EXPECT_TRUE(again && again->end == row->end);
    const Row piece = rows.parse(*row);
    pieces.push_back(piece.turns[0].content + (piece.ends ? "|" : ""));
    from = row->end;
  }
  return pieces;
}

TEST(BookRows, CutsWhereTheReaderPauses) {
  using testing::ElementsAre;
  EXPECT_THAT(pieces_of("one\r\ntwo\r\n\r\nthree\r\n", 100), ElementsAre("one\ntwo\n\nthree|"));
  EXPECT_THAT(pieces_of("one two\nthree\n\nfour five\nsix\n", 20), ElementsAre("one two\nthree", "four five\nsix|"));
  EXPECT_THAT(pieces_of("a\n\nthree four\nfive six\nseven", 22), ElementsAre("a\n\nthree four", "five six\nseven|"));
  EXPECT_THAT(pieces_of("one two three four", 9), ElementsAre("one two", "three", "four|"));
  EXPECT_THAT(pieces_of("讲一个笑话。讲一个笑话。", 5), ElementsAre("讲一个笑话", "。讲一个笑", "话。|"));
  EXPECT_THAT(pieces_of("讲一", 1), ElementsAre("讲", "一|"));
  EXPECT_THAT(pieces_of("\n\n", 5), ElementsAre());
}

TEST(BookRows, NothingIsLostAndNothingIsTooLong) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += fmt::format("w{}{}", i, i % 37 == 0 ? "\n\n" : i % 11 == 0 ? "\n" : " ");
  for (const size_t most : {7, 40, 200}) {
    std::string joined;
    for (const std::string& piece : pieces_of(text, most)) {
      EXPECT_LE(piece.size(), most + 1);
      joined += piece + " ";
    }
    const auto words = [](std::string all) {
      std::erase_if(all, [](char c) { return c == ' ' || c == '\n' || c == '|'; });
      return all;
    };
    EXPECT_EQ(words(joined), words(text));
  }
}

TEST(BookRows, WrappedTextIsRecognised) {
  std::string book;
  std::string lines;
  for (int i = 0; i < 6; ++i) {
    book +=
        "It was a bright cold day in a month of spring, and all\nthe clocks were about to strike. He slipped in\n"
        "through the doors without any noise and went up\nto the seventh floor.\n\n";
    lines +=
        "what is the name of the king who lived on the hill\nhe was called john\nand who came after him\n"
        "his brother did, as far as we know today.\n";
  }
  EXPECT_TRUE(BookRows::recognises(book));
  EXPECT_FALSE(BookRows::recognises(lines));
  EXPECT_FALSE(BookRows::recognises("one\ntwo\nthree\n"));
  EXPECT_FALSE(BookRows::recognises(""));
}

}  // namespace
}  // namespace patina::train
