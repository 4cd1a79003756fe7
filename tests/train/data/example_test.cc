#include "train/data/example.h"

#include <memory>
#include <set>

#include "tokenizer/chat_template.h"
#include "train/data/data_set.h"
#include "train/data/test_vocabulary.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

using tokenizer::Tokenizer;
using tokenizer::TokenKind;
using tokenizer::Vocab;

Example example_of(const Tokenizer& tokenizer, const Row& row, const ExampleOptions& options = {}) {
  return ExampleMaker(tokenizer, options).make(row);
}

TEST(Example, AnswersFollowTheTokensOfThePrompt) {
  const auto tokenizer = make_tokenizer({"a", "b", "\nb"});
  const Example example = example_of(*tokenizer, question_row("a", "b a"));
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

TEST(Example, APreferenceHasBothAnswers) {
  const auto tokenizer = make_tokenizer({"a", "b"});
  Row row = question_row("a", "b");
  row.rejected = "a a";
  const Example example = example_of(*tokenizer, row);
  const Example chosen = example_of(*tokenizer, question_row("a", "b"));
  const Example rejected = example_of(*tokenizer, question_row("a", "a a"));
  ASSERT_TRUE(example.rejected);
  EXPECT_EQ(example.tokens, chosen.tokens);
  EXPECT_EQ(example.loss, chosen.loss);
  EXPECT_EQ(example.rejected->tokens, rejected.tokens);
  EXPECT_EQ(example.rejected->loss, rejected.loss);
  EXPECT_FALSE(example_of(*tokenizer, row, {.rejected = false}).rejected);
}

// What the assistant said before is in both, and not what they are compared by.
TEST(Example, OnlyTheLastAnswersOfAPreferenceCarryLoss) {
  const auto tokenizer = make_tokenizer({"a", "b"});
  Row row{.kind = RowKind::kChat,
          .turns = {{"user", "a"}, {"assistant", "b"}, {"user", "a"}, {"assistant", "a"}},
          .rejected = "b b"};
  const Example example = example_of(*tokenizer, row);
  ASSERT_EQ(example.loss.size(), 1);
  ASSERT_EQ(example.rejected->loss.size(), 1);
  EXPECT_EQ(example.loss[0].begin, example.rejected->loss[0].begin);
  EXPECT_EQ(example.loss[0].end, example.tokens.size());
  const size_t first = example.loss[0].begin;
  EXPECT_TRUE(std::equal(example.tokens.begin(), example.tokens.begin() + static_cast<std::ptrdiff_t>(first),
                         example.rejected->tokens.begin()));
}

TEST(Example, MarkersInAnAnswerAreText) {
  const auto tokenizer = make_tokenizer({});
  const Example example = example_of(*tokenizer, question_row("a", "</s>"));
  EXPECT_EQ(example.loss_tokens(), 5);  // four bytes and end-of-text
  const std::vector<TokenId> before_end(example.tokens.begin(), example.tokens.end() - 1);
  EXPECT_EQ(std::set(before_end.begin(), before_end.end()).count(tokenizer->eos()), 0);
}

TEST(Example, PlainTextIsLearnedWhole) {
  for (const bool adds_bos : {true, false}) {
    const auto tokenizer = make_tokenizer({"a", "b"}, adds_bos);
    const Example example = example_of(*tokenizer, text_row("ab"));
    std::vector<TokenId> expected = tokenizer->encode("ab");
    expected.push_back(tokenizer->eos());
    EXPECT_EQ(example.tokens, expected);
    EXPECT_THAT(example.loss, testing::ElementsAre(TokenRange{1, example.tokens.size()}));
  }
}

TEST(Example, RefusesWhatIsLongerThanTheContext) {
  const auto tokenizer = make_tokenizer({});
  const Row row = text_row("abcdefg");  // 1 + 1 + 7 + 1 tokens
  EXPECT_EQ(example_of(*tokenizer, row, {.context = 10}).tokens.size(), 10);
  expect_error([&] { example_of(*tokenizer, row, {.context = 9}); }, ErrorKind::kInvalidData,
               "this example has 10 tokens, more than the context of 9");
}

TEST(Example, DigestTellsDataApart) {
  const auto tokenizer = make_tokenizer({"a", "b"});
  std::set<uint64_t> digests;
  for (const std::vector<Row>& rows : {std::vector{question_row("a", "b")},
                                       {question_row("b", "a")},
                                       {question_row("ab", "b")},
                                       {text_row("a"), text_row("b")},
                                       {text_row("b"), text_row("a")}}) {
    for (const bool mask : {true, false}) {
      DataTally tally;
      for (const Row& row : rows) tally.add(example_of(*tokenizer, row, {.mask_prompt = mask}));
      digests.insert(tally.totals().digest);
    }
  }
  EXPECT_EQ(digests.size(), 3 * 2 + 2);  // of plain text all is learned anyway
}

TEST(Example, RowsThatGoOnHaveNoEnd) {
  const auto tokenizer = make_tokenizer({"a", "b"});
  Row row = text_row("ab");
  row.ends = false;
  EXPECT_EQ(example_of(*tokenizer, row).tokens, tokenizer->encode("ab"));
}

TEST(Example, PromptsAreLearnedOnRequest) {
  const auto tokenizer = make_tokenizer({"a", "b"});
  const Row row = question_row("a", "b");
  const Example masked = example_of(*tokenizer, row);
  const Example whole = example_of(*tokenizer, row, {.mask_prompt = false});
  EXPECT_EQ(whole.tokens, masked.tokens);
  EXPECT_THAT(whole.loss, testing::ElementsAre(TokenRange{1, whole.tokens.size()}));
}

// A vocabulary with the markers of a chat format as control tokens, behind make_tokenizer()'s.
std::unique_ptr<Tokenizer> make_chat_tokenizer(const std::vector<std::string>& markers) {
  Vocab vocab = make_tokenizer({"hi", "ho", "yes", "no"})->vocab();
  for (const std::string& marker : markers) {
    vocab.tokens.push_back(marker);
    vocab.kinds.push_back(TokenKind::kControl);
    vocab.scores.push_back(0);
  }
  return Tokenizer::create(std::move(vocab));
}

struct ChatCase {
  tokenizer::ChatFormat format;
  std::vector<std::string> markers;
  std::vector<std::string> learned;  // the texts that carry loss, with their markers
};

std::vector<std::string> learned_texts(const Tokenizer& tokenizer, const Example& example) {
  std::vector<std::string> texts;
  for (const TokenRange& range : example.loss) {
    texts.emplace_back();
    for (size_t i = range.begin; i < range.end; ++i) texts.back() += tokenizer.piece(example.tokens[i], true);
  }
  return texts;
}

// What is learned, worked out by hand from each model's template; and its tokens are those of the text that prompting
// would give after the same turns.
TEST(Example, OnlyTheAssistantsTurnsCarryLoss) {
  using tokenizer::ChatFormat;
  const Row row{.kind = RowKind::kChat,
                .turns = {{"system", "hi"}, {"user", "ho"}, {"assistant", "yes"}, {"user", "hi"}, {"assistant", "no"}}};
  const std::vector<ChatCase> cases = {
      {ChatFormat::kChatml, {"<|im_start|>", "<|im_end|>"}, {"yes<|im_end|>", "no<|im_end|>"}},
      {ChatFormat::kGemma, {"<start_of_turn>", "<end_of_turn>"}, {"yes<end_of_turn>", "no<end_of_turn>"}},
      {ChatFormat::kLlama3,
       {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
       {"yes<|eot_id|>", "no<|eot_id|>"}},
      {ChatFormat::kLlama2, {}, {" yes </s>", " no </s>"}},
      {ChatFormat::kMistral, {}, {" yes</s>", " no</s>"}},
      {ChatFormat::kZephyr, {}, {"yes</s>", "no</s>"}},
      {ChatFormat::kInstruction, {}, {"yes", "no</s>"}},
  };
  for (const ChatCase& one : cases) {
    const auto tokenizer = make_chat_tokenizer(one.markers);
    const Example example = example_of(*tokenizer, row, {.chat = one.format});
    EXPECT_EQ(learned_texts(*tokenizer, example), one.learned) << chat_format_name(one.format);
    std::vector<TokenId> whole = tokenizer->encode(render_chat(one.format, row.turns, false));
    if (one.format == ChatFormat::kInstruction) {
      while (whole.back() != tokenizer->find("no")) whole.pop_back();
      whole.push_back(tokenizer->eos());
    }
    whole.resize(std::min(whole.size(), example.tokens.size()));
    EXPECT_EQ(example.tokens, whole) << chat_format_name(one.format);
  }
}

// Where the vocabulary lacks the format's marker, the answers end in its text and the last in end-of-text.
TEST(Example, AnswersEndWithoutAMarkerToo) {
  const auto tokenizer = make_chat_tokenizer({});
  const Row row{.kind = RowKind::kChat, .turns = {{"user", "ho"}, {"assistant", "yes"}}};
  const Example example = example_of(*tokenizer, row, {.chat = tokenizer::ChatFormat::kChatml});
  EXPECT_EQ(learned_texts(*tokenizer, example), std::vector<std::string>{"yes<|im_end|></s>"});
}

}  // namespace
}  // namespace patina::train
