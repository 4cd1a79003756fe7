#include "tokenizer/spm_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tokenizer/golden.h"

namespace patina::tokenizer {
namespace {

using testing::ElementsAre;

const nlohmann::json& file() {
  static const nlohmann::json json = golden::load(PATINA_SOURCE_DIR "/tests/golden/tokenizer/spm.json");
  return json;
}

class SpmGolden : public testing::TestWithParam<const char*> {
 protected:
  const nlohmann::json& golden_ = file().at(GetParam());
  std::unique_ptr<Tokenizer> tokenizer_ = Tokenizer::create(golden::vocab_from(golden_.at("vocab")));
};

TEST_P(SpmGolden, GivesTheIdsOfSentencepiece) {
  for (const auto& one : golden_.at("cases")) {
    const std::string text = golden::text_from_hex(one.at("hex"));
    EXPECT_EQ(tokenizer_->encode(text, {.add_special = false, .parse_special = false}),
              one.at("ids").get<std::vector<TokenId>>())
        << text;
  }
}

TEST_P(SpmGolden, DecodingGivesTheTextBack) {
  for (const auto& one : golden_.at("cases")) {
    const std::string text = golden::text_from_hex(one.at("hex"));
    if (text.find("\u2581") != std::string::npos) continue;  // stands for the space
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text, {.parse_special = false})), text);
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text), true), text);
  }
}

TEST_P(SpmGolden, TheUnknownTokensTextComesBack) {
  EXPECT_EQ(tokenizer_->decode(tokenizer_->encode("a<unk>b <unk> c"), true), "a<unk>b <unk> c");
}

TEST_P(SpmGolden, IllFormedBytesComeBack) {
  for (const std::string hex : file().at("broken")) {
    const std::string text = golden::text_from_hex(hex);
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text)), text) << hex;
  }
  const std::string nul("a\0b", 3);
  EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(nul)), nul);
}

INSTANTIATE_TEST_SUITE_P(Prefix, SpmGolden, testing::Values("prefix", "no_prefix"));

// A vocabulary whose every part is known.
Vocab small_vocab() {
  Vocab vocab;
  vocab.model = "llama";
  vocab.tokens = {"<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "\u2581a", "<tag>", "<tag>>", "<s>b", "ba"};
  vocab.scores = {0, 0, 0, -9, -9, -9, -2, -1, 0, 0, 0, -2};
  vocab.kinds.assign(vocab.tokens.size(), TokenKind::kNormal);
  vocab.kinds[0] = TokenKind::kUnknown;
  vocab.kinds[1] = vocab.kinds[2] = TokenKind::kControl;
  vocab.kinds[8] = vocab.kinds[9] = TokenKind::kUserDefined;
  vocab.bos = 1;
  vocab.eos = 2;
  vocab.unk = 0;
  return vocab;
}

TEST(SpmTokenizer, MergesByScoreAndFromTheLeftOnTies) {
  const auto tokenizer = Tokenizer::create(small_vocab());
  EXPECT_THAT(tokenizer->encode("ab"), ElementsAre(1, 7, 5));       // "_a" beats "ab"
  EXPECT_THAT(tokenizer->encode("bab"), ElementsAre(1, 3, 11, 5));  // "ba" and "ab" tie: the left one first
  EXPECT_THAT(tokenizer->encode("bbab"), ElementsAre(1, 3, 5, 11, 5));
}

TEST(SpmTokenizer, SpecialTokensAndTheSpaceAfterThem) {
  const auto tokenizer = Tokenizer::create(small_vocab());
  EXPECT_THAT(tokenizer->encode("a<s>b"), ElementsAre(1, 7, 1, 3, 5));
  EXPECT_THAT(tokenizer->encode("a<tag>>b<tag>"), ElementsAre(1, 7, 9, 3, 5, 8));  // the longest first
  EXPECT_THAT(tokenizer->encode("</s>"), ElementsAre(1, 2));
  EXPECT_THAT(tokenizer->encode(""), ElementsAre(1));
  EXPECT_EQ(tokenizer->decode({1, 7, 1, 3, 5}, true), "a<s>b");
  EXPECT_EQ(tokenizer->decode({1, 7, 1, 3, 5}), "ab");
}

TEST(SpmTokenizer, ControlTokensNeverComeFromPlainText) {
  Vocab vocab = small_vocab();
  vocab.tokens.insert(vocab.tokens.end(), {"<", "s", ">", "<s"});
  vocab.scores.insert(vocab.scores.end(), {-9, -9, -9, -3});
  vocab.kinds.resize(vocab.tokens.size(), TokenKind::kNormal);
  const auto tokenizer = Tokenizer::create(std::move(vocab));
  EXPECT_THAT(tokenizer->encode("<s>", {.parse_special = false}), ElementsAre(1, 3, 15, 14));
}

TEST(SpmTokenizer, BosEosAndPrefixFollowTheVocabulary) {
  Vocab vocab = small_vocab();
  vocab.add_bos = 0;
  vocab.add_eos = 1;
  vocab.add_space_prefix = 0;
  const auto tokenizer = Tokenizer::create(vocab);
  EXPECT_THAT(tokenizer->encode("ab"), ElementsAre(6, 2));
  EXPECT_THAT(tokenizer->encode("ab", {.add_special = false}), ElementsAre(6));
  EXPECT_EQ(tokenizer->decode({6, 2}, true), "ab");
  EXPECT_FALSE(tokenizer->adds_bos());
  EXPECT_TRUE(tokenizer->adds_eos());
}

TEST(SpmTokenizer, ContinuedTextGetsNoSpace) {
  const auto tokenizer = Tokenizer::create(small_vocab());
  EXPECT_THAT(tokenizer->encode("ab", {.add_special = false, .continues = true}), ElementsAre(6));
  EXPECT_THAT(tokenizer->encode("b<tag>b", {.add_special = false, .continues = true}), ElementsAre(5, 8, 3, 5));
}

TEST(SpmTokenizer, WhatHasNoTokenIsUnknownOrRefused) {
  Vocab vocab = small_vocab();
  EXPECT_THAT(Tokenizer::create(vocab)->encode("a中b"), ElementsAre(1, 7, 0, 5));
  vocab.unk = kNoToken;
  const auto tokenizer = Tokenizer::create(vocab);
  try {
    (void)tokenizer->encode("a中b");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_THAT(error.what(), testing::HasSubstr("中"));
  }
}

TEST(SpmTokenizer, WithoutKindsBytesAndMarkersAreFoundByTheirText) {
  Vocab vocab;
  vocab.model = "llama";
  vocab.tokens = {"<unk>", "<s>", "</s>", "<0x41>", "\u2581"};
  vocab.bos = 1;
  vocab.eos = 2;
  vocab.unk = 0;
  const auto tokenizer = Tokenizer::create(vocab);
  EXPECT_THAT(tokenizer->encode("A"), ElementsAre(1, 4, 3));
  EXPECT_EQ(tokenizer->piece(3), "A");
  EXPECT_EQ(tokenizer->piece(2), "");
  EXPECT_EQ(tokenizer->piece(2, true), "</s>");
}

TEST(SpmTokenizer, AMegabyteOfOneLetterIsTokenized) {
  const auto tokenizer = Tokenizer::create(small_vocab());
  EXPECT_EQ(tokenizer->encode(std::string(1 << 20, 'a')).size(), (1U << 20) + 1);
  EXPECT_EQ(tokenizer->encode(std::string(1 << 20, '<')).size(), (1U << 20) + 2);
}

}  // namespace
}  // namespace patina::tokenizer
