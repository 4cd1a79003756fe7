#include "train/data/example.h"

#include <fmt/format.h>

#include <memory>
#include <set>

#include "tokenizer/chat_template.h"
#include "train/data/data_set.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

using tokenizer::Tokenizer;
using tokenizer::TokenKind;
using tokenizer::Vocab;

// A SentencePiece-style vocabulary of the given pieces behind <unk>, <s>, </s>, the 256 bytes and the space mark.
std::unique_ptr<Tokenizer> make_tokenizer(const std::vector<std::string>& pieces, bool adds_bos = true) {
  Vocab vocab;
  vocab.model = "llama";
  const auto add = [&](const std::string& text, TokenKind kind) {
    vocab.tokens.push_back(text);
    vocab.kinds.push_back(kind);
    vocab.scores.push_back(0);
  };
  add("<unk>", TokenKind::kUnknown);
  add("<s>", TokenKind::kControl);
  add("</s>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), TokenKind::kByte);
  add("\u2581", TokenKind::kNormal);
  for (const std::string& piece : pieces) add(piece, TokenKind::kNormal);
  vocab.unk = 0;
  vocab.bos = 1;
  vocab.eos = 2;
  vocab.add_bos = adds_bos ? 1 : 0;
  vocab.add_space_prefix = 1;
  return Tokenizer::create(std::move(vocab));
}

TrainingText instruction(const std::string& prompt, const std::string& response) {
  return {true, {{prompt, response, 7}}};
}

TEST(Example, AnswersFollowTheTokensOfThePrompt) {
  const auto tokenizer = make_tokenizer({"a", "b", "\nb"});
  const std::vector<Example> examples = make_examples(*tokenizer, instruction("a", "b a"), 1000, "data.txt");
  ASSERT_EQ(examples.size(), 1);
  const Example& example = examples[0];
  // What prompting gives, with BOS and the space in front that this vocabulary wants there.
  const std::vector<TokenId> prompt = tokenizer->encode(tokenizer::wrap_instruction("a"));
  EXPECT_THAT(example.loss, testing::ElementsAre(TokenRange{prompt.size(), example.tokens.size()}));
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), example.tokens.begin()));
  // The answer has no space in front and does not merge with the line end before it.
  const std::vector<TokenId> answer(example.tokens.begin() + static_cast<std::ptrdiff_t>(prompt.size()),
                                    example.tokens.end());
  EXPECT_THAT(answer, testing::ElementsAre(tokenizer->find("b"), tokenizer->find("\u2581"), tokenizer->find("a"),
                                           tokenizer->eos()));
  EXPECT_EQ(example.loss_tokens(), 4);
}

TEST(Example, MarkersInAnAnswerAreText) {
  const auto tokenizer = make_tokenizer({});
  const Example example = make_examples(*tokenizer, instruction("a", "</s>"), 1000, "data.txt")[0];
  EXPECT_EQ(example.loss_tokens(), 5);  // four bytes and end-of-text
  const std::vector<TokenId> before_end(example.tokens.begin(), example.tokens.end() - 1);
  EXPECT_EQ(std::set(before_end.begin(), before_end.end()).count(tokenizer->eos()), 0);
}

TEST(Example, PlainTextIsLearnedWhole) {
  const TrainingText text = {false, {{"", "ab", 1}}};
  for (const bool adds_bos : {true, false}) {
    const auto tokenizer = make_tokenizer({"a", "b"}, adds_bos);
    const Example example = make_examples(*tokenizer, text, 1000, "data.txt")[0];
    std::vector<TokenId> expected = tokenizer->encode("ab");
    expected.push_back(tokenizer->eos());
    EXPECT_EQ(example.tokens, expected);
    EXPECT_THAT(example.loss, testing::ElementsAre(TokenRange{1, example.tokens.size()}));
  }
}

TEST(Example, RefusesWhatIsLongerThanTheContext) {
  const auto tokenizer = make_tokenizer({});
  const TrainingText text = {false, {{"", "a", 1}, {"", "abcdefg", 3}}};  // 1 + 1 + 7 + 1 tokens the second
  EXPECT_EQ(make_examples(*tokenizer, text, 10, "data.txt")[1].tokens.size(), 10);
  expect_error([&] { make_examples(*tokenizer, text, 9, "data.txt"); }, ErrorKind::kInvalidData,
               "data.txt:3: this example has 10 tokens, more than the context of 9");
}

TEST(Example, DigestTellsDataApart) {
  const auto tokenizer = make_tokenizer({"a", "b"});
  std::set<uint64_t> digests;
  for (const TrainingText& text :
       {instruction("a", "b"), instruction("b", "a"), instruction("ab", "b"),
        TrainingText{false, {{"", "a", 1}, {"", "b", 2}}}, TrainingText{false, {{"", "b", 1}, {"", "a", 2}}}}) {
    digests.insert(ExampleList(make_examples(*tokenizer, text, 1000, "data.txt")).totals().digest);
  }
  EXPECT_EQ(digests.size(), 5);
}

}  // namespace
}  // namespace patina::train
