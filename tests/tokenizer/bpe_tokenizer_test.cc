#include "tokenizer/bpe_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/golden.h"

namespace patina::tokenizer {
namespace {

using testing::ElementsAre;

const nlohmann::json& file() {
  static const nlohmann::json json = golden::load(PATINA_SOURCE_DIR "/tests/golden/tokenizer/bpe.json");
  return json;
}

Vocab golden_vocab(const std::string& pre) {
  Vocab vocab = golden::vocab_from(file().at("vocab"));
  vocab.pre = pre;
  return vocab;
}

class BpeGolden : public testing::TestWithParam<const char*> {
 protected:
  const nlohmann::json& cases_ = file().at("pre").at(GetParam());
  std::unique_ptr<Tokenizer> tokenizer_ = Tokenizer::create(golden_vocab(GetParam()));
};

TEST_P(BpeGolden, GivesTheWordsOfTokenizers) {
  const PreTokenizer pre_tokenizer(pre_tokenizer_rules(GetParam()));
  for (const auto& one : cases_) {
    const std::string text = golden::text_from_hex(one.at("hex"));
    std::vector<size_t> lengths;
    size_t begin = 0;
    for (const size_t end : pre_tokenizer.split(text)) {
      lengths.push_back(end - begin);
      begin = end;
    }
    EXPECT_EQ(lengths, one.at("words").get<std::vector<size_t>>()) << text;
  }
}

TEST_P(BpeGolden, GivesTheIdsOfTokenizers) {
  for (const auto& one : cases_) {
    const std::string text = golden::text_from_hex(one.at("hex"));
    const std::vector<TokenId> ids = tokenizer_->encode(text);
    EXPECT_EQ(ids, one.at("ids").get<std::vector<TokenId>>()) << text;
    EXPECT_EQ(tokenizer_->decode(ids), text);
  }
}

TEST_P(BpeGolden, AnyBytesComeBack) {
  std::string all;
  for (int byte = 255; byte >= 0; --byte) all += static_cast<char>(byte);
  EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(all)), all);
  EXPECT_EQ(tokenizer_->decode(tokenizer_->encode("\xE4\xBD")), "\xE4\xBD");
  EXPECT_EQ(tokenizer_->decode(tokenizer_->encode("a\xE4 b")), "a\xE4 b");
}

TEST_P(BpeGolden, LongRunsOfOneKindAreTokenized) {
  for (const char* unit : {"a", "A", "中", "1", " ", "\n", "\t ", "!", "\u0301", "'s", "aA", "\xFF"}) {
    std::string text;
    while (text.size() < 300000) text += unit;
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text)), text) << unit;
    text += 'x';
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text)), text) << unit;
  }
}

INSTANTIATE_TEST_SUITE_P(Pre, BpeGolden, testing::Values("gpt-2", "llama-bpe", "qwen2", "tekken", "smollm", "default"));

TEST(BpeTokenizer, AMissingPreTokenizerIsTheDefaultOne) {
  const std::string text = "Hello... 12345+67";
  EXPECT_EQ(Tokenizer::create(golden_vocab(""))->encode(text),
            Tokenizer::create(golden_vocab("default"))->encode(text));
}

TEST(BpeTokenizer, DeepseekSplitsAsQwen) {
  for (const auto& one : file().at("pre").at("qwen2")) {
    const std::string text = golden::text_from_hex(one.at("hex"));
    EXPECT_EQ(Tokenizer::create(golden_vocab("deepseek-r1-qwen"))->encode(text),
              one.at("ids").get<std::vector<TokenId>>());
  }
}

TEST(BpeTokenizer, AnUnknownPreTokenizerIsRefusedByName) {
  try {
    Tokenizer::create(golden_vocab("whale"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("\"whale\""));
    EXPECT_THAT(error.what(), testing::HasSubstr("llama-bpe, qwen2, deepseek-r1-qwen, tekken, smollm, gpt-2, default"));
  }
}

// "a" to "d", bytes of the rest missing.
Vocab small_vocab() {
  Vocab vocab;
  vocab.model = "gpt2";
  vocab.pre = "gpt-2";
  vocab.tokens = {"a", "b", "c", "d", "bc", "ab", "abcd", "<|eot_id|>", "<|user|>", "\u0120", "cd"};
  vocab.merges = {"b c", "a b", "c d", "ab cd"};
  vocab.kinds.assign(vocab.tokens.size(), TokenKind::kNormal);
  vocab.kinds[8] = TokenKind::kUserDefined;
  vocab.bos = 7;
  return vocab;
}

TEST(BpeTokenizer, MergesInTheOrderOfTheList) {
  const auto tokenizer = Tokenizer::create(small_vocab());
  EXPECT_THAT(tokenizer->encode("abcd"), ElementsAre(0, 4, 3));  // "b c" comes before "a b"
  EXPECT_THAT(tokenizer->encode("abd"), ElementsAre(5, 3));
}

TEST(BpeTokenizer, WholeWordsComeFirstWhereTheRulesSaySo) {
  Vocab vocab = small_vocab();
  vocab.pre = "llama-bpe";
  EXPECT_THAT(Tokenizer::create(vocab)->encode("abcd"), ElementsAre(7, 6));  // BOS by default, too
  vocab.add_bos = 0;
  EXPECT_THAT(Tokenizer::create(vocab)->encode("abcd abcd"), ElementsAre(6, 9, 0, 4, 3));
}

TEST(BpeTokenizer, MarkersAreControlTokensWhateverTheFileSays) {
  const auto tokenizer = Tokenizer::create(small_vocab());
  EXPECT_TRUE(tokenizer->is_end_of_generation(7));
  EXPECT_FALSE(tokenizer->is_end_of_generation(8));
  EXPECT_FALSE(tokenizer->is_end_of_generation(-1));
  EXPECT_EQ(tokenizer->piece(7), "");
  EXPECT_EQ(tokenizer->piece(8), "<|user|>");
  EXPECT_THAT(tokenizer->encode("a<|eot_id|><|user|>a"), ElementsAre(0, 7, 8, 0));
}

TEST(BpeTokenizer, AMergeIntoNoTokenFallsApartIntoBytes) {
  Vocab vocab = small_vocab();
  vocab.merges = {"d c"};
  EXPECT_THAT(Tokenizer::create(vocab)->encode("dc"), ElementsAre(3, 2));
}

TEST(BpeTokenizer, AByteWithoutATokenIsRefusedByName) {
  try {
    (void)Tokenizer::create(small_vocab())->encode("az");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("0x7A"));
  }
}

TEST(ByteLevel, SpellsEveryByteAndBack) {
  EXPECT_EQ(byte_level_character(' '), "\u0120");  // as in every GPT-2 vocabulary
  EXPECT_EQ(byte_level_character('\n'), "\u010A");
  EXPECT_EQ(byte_level_character('a'), "a");
  EXPECT_EQ(byte_level_character(0xE4), "\u00E4");
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(byte_level_decode(byte_level_character(static_cast<uint8_t>(byte))),
              std::string(1, static_cast<char>(byte)));
  }
  EXPECT_EQ(byte_level_decode("中"), "中");
}

}  // namespace
}  // namespace patina::tokenizer
