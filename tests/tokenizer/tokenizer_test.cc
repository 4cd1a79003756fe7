#include "tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/error.h"

namespace patina::tokenizer {
namespace {

Vocab byte_vocab() {
  Vocab vocab;
  vocab.model = "llama";
  vocab.tokens = {"<unk>", "<s>", "</s>"};
  vocab.kinds = {TokenKind::kUnknown, TokenKind::kControl, TokenKind::kControl};
  for (int byte = 0; byte < 256; ++byte) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    vocab.tokens.push_back({'<', '0', 'x', kDigits[byte / 16], kDigits[byte % 16], '>'});
    vocab.kinds.push_back(TokenKind::kByte);
  }
  vocab.scores.assign(vocab.tokens.size(), 0);
  vocab.bos = 1;
  vocab.eos = 2;
  vocab.unk = 0;
  return vocab;
}

TokenId byte_token(int byte) { return 3 + byte; }

void expect_error(ErrorKind kind, const std::string& part, const std::function<void()>& act) {
  try {
    act();
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
  }
}

TEST(Tokenizer, RefusesVocabulariesThatContradictThemselves) {
  const auto refused = [](ErrorKind kind, const std::string& part, const std::function<void(Vocab&)>& spoil) {
    Vocab vocab = byte_vocab();
    spoil(vocab);
    expect_error(kind, part, [&] { Tokenizer::create(vocab); });
  };
  refused(ErrorKind::kInvalidData, "scores", [](Vocab& v) { v.scores.pop_back(); });
  refused(ErrorKind::kInvalidData, "types", [](Vocab& v) { v.kinds.pop_back(); });
  refused(ErrorKind::kInvalidData, "BOS", [](Vocab& v) { v.bos = 99999; });
  refused(ErrorKind::kInvalidData, "EOS", [](Vocab& v) { v.eos = -2; });
  refused(ErrorKind::kInvalidData, "not a number",
          [](Vocab& v) { v.scores[5] = std::numeric_limits<float>::quiet_NaN(); });
  refused(ErrorKind::kInvalidData, "marked as a byte", [](Vocab& v) { v.tokens[7] = "seven"; });
  refused(ErrorKind::kInvalidData, "no vocabulary", [](Vocab& v) {
    v = Vocab();
    v.model = "llama";
  });
  refused(ErrorKind::kUnsupported, "\"bert\"", [](Vocab& v) { v.model = "bert"; });
  refused(ErrorKind::kInvalidData, "not a pair", [](Vocab& v) {
    v.model = "gpt2";
    v.merges = {"ab"};
  });
}

TEST(Tokenizer, FindsTokensByTextAndRefusesOtherIds) {
  const auto tokenizer = Tokenizer::create(byte_vocab());
  EXPECT_EQ(tokenizer->find("</s>"), 2);
  EXPECT_EQ(tokenizer->find("nothing"), kNoToken);
  EXPECT_TRUE(tokenizer->is_end_of_generation(2));
  expect_error(ErrorKind::kInvalidArgument, "outside", [&] { (void)tokenizer->piece(-1); });
  expect_error(ErrorKind::kInvalidArgument, "outside", [&] { (void)tokenizer->piece(tokenizer->size()); });
}

TEST(StreamDecoder, NeverGivesHalfACharacter) {
  const auto tokenizer = Tokenizer::create(byte_vocab());
  StreamDecoder decoder(*tokenizer);
  const std::string text = "a\u00E9中\U0001F600!";
  std::string streamed;
  for (const char byte : text) {
    const std::string part = decoder.push(byte_token(static_cast<uint8_t>(byte)));
    EXPECT_TRUE(part.empty() || part.size() == 1 || (static_cast<uint8_t>(part[0]) & 0xC0) == 0xC0) << part;
    streamed += part;
  }
  EXPECT_EQ(streamed, text);
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoder, ReplacesWhatCannotBecomeACharacter) {
  const auto tokenizer = Tokenizer::create(byte_vocab());
  const auto stream = [&](const std::string& bytes) {
    StreamDecoder decoder(*tokenizer);
    std::string text;
    for (const char byte : bytes) text += decoder.push(byte_token(static_cast<uint8_t>(byte)));
    return text + decoder.finish();
  };
  // Expected: "U+FFFD Substitution of Maximal Subparts", Unicode 15, section 3.9, tables 3-8 to 3-11.
  EXPECT_EQ(stream("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  EXPECT_EQ(stream("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  EXPECT_EQ(stream("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41\uFFFD\uFFFD\x42");
  EXPECT_EQ(stream("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  EXPECT_EQ(stream("ok\xE4\xBD"), "ok\uFFFD");
}

TEST(StreamDecoder, HidesControlTokensUnlessAsked) {
  const auto tokenizer = Tokenizer::create(byte_vocab());
  EXPECT_EQ(StreamDecoder(*tokenizer).push(2), "");
  EXPECT_EQ(StreamDecoder(*tokenizer, true).push(2), "</s>");
}

}  // namespace
}  // namespace patina::tokenizer
