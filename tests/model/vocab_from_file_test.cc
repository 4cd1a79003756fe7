#include "model/vocab_from_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "io/test_files.h"
#include "tokenizer/tokenizer.h"

namespace patina::model {
namespace {

using io::MetaArray;
using io::MetaValue;
using testing::ElementsAre;
using tokenizer::kNoToken;
using tokenizer::TokenKind;
using tokenizer::Vocab;

using Strings = std::vector<std::string>;

class VocabFromFile : public testing::Test {
 protected:
  VocabFromFile() {
    set("general.architecture", MetaValue("falcon"));
    set("tokenizer.ggml.model", MetaValue("llama"));
    set("tokenizer.ggml.tokens", MetaArray(Strings{"<unk>", "<s>", "</s>", "a", "b"}));
    set("tokenizer.ggml.scores", MetaArray(std::vector<double>{0, 0, 0, -1, -2.5}));
    set("tokenizer.ggml.token_type", MetaArray(std::vector<int64_t>{2, 3, 3, 1, 0}));
  }

  void set(const std::string& key, MetaValue value, std::optional<io::MetaType> type = std::nullopt) {
    metadata_.set(key, std::move(value), type);
  }

  Vocab read() {
    io::write_gguf(folder_ / "vocab.gguf", metadata_, {});
    return vocab_from_file(*io::ModelFile::open(folder_ / "vocab.gguf"));
  }

  void expect_corrupt(const std::string& part) {
    io::expect_error([this] { read(); }, ErrorKind::kInvalidData, part);
  }

  io::Metadata metadata_;
  io::TemporaryFolder folder_;
};

TEST_F(VocabFromFile, ReadsEveryEntry) {
  set("tokenizer.ggml.pre", MetaValue("default"));
  set("tokenizer.ggml.bos_token_id", MetaValue(uint64_t{2}));
  set("tokenizer.ggml.eos_token_id", MetaValue(uint64_t{1}));
  set("tokenizer.ggml.eot_token_id", MetaValue(uint64_t{4}));
  set("tokenizer.ggml.unknown_token_id", MetaValue(uint64_t{3}));
  set("tokenizer.ggml.padding_token_id", MetaValue(uint64_t{0}));
  set("tokenizer.ggml.add_bos_token", MetaValue(false));
  set("tokenizer.ggml.add_eos_token", MetaValue(true));
  set("tokenizer.ggml.add_space_prefix", MetaValue(false));
  set("tokenizer.chat_template", MetaValue("{{ messages }}"));
  const Vocab vocab = read();
  EXPECT_EQ(vocab.model, "llama");
  EXPECT_EQ(vocab.pre, "default");
  EXPECT_THAT(vocab.tokens, ElementsAre("<unk>", "<s>", "</s>", "a", "b"));
  EXPECT_THAT(vocab.scores, ElementsAre(0, 0, 0, -1, -2.5F));
  EXPECT_THAT(vocab.kinds, ElementsAre(TokenKind::kUnknown, TokenKind::kControl, TokenKind::kControl,
                                       TokenKind::kNormal, TokenKind::kNormal));
  EXPECT_THAT((std::vector{vocab.bos, vocab.eos, vocab.eot, vocab.unk, vocab.pad}), ElementsAre(2, 1, 4, 3, 0));
  EXPECT_THAT((std::vector{vocab.add_bos, vocab.add_eos, vocab.add_space_prefix}), ElementsAre(0, 1, 0));
  EXPECT_EQ(vocab.chat_template, "{{ messages }}");
}

TEST_F(VocabFromFile, WhatIsMissingHasItsDefault) {
  const Vocab vocab = read();
  EXPECT_THAT((std::vector{vocab.bos, vocab.eos, vocab.eot, vocab.unk, vocab.pad}),
              ElementsAre(1, 2, kNoToken, 0, kNoToken));
  EXPECT_THAT((std::vector{vocab.add_bos, vocab.add_eos, vocab.add_space_prefix}), ElementsAre(-1, -1, -1));
  set("tokenizer.ggml.bos_token_id", MetaValue(uint64_t{UINT32_MAX}));
  EXPECT_EQ(read().bos, kNoToken);
}

TEST_F(VocabFromFile, BytePairsNeedTheirMerges) {
  set("tokenizer.ggml.model", MetaValue("gpt2"));
  expect_corrupt("tokenizer.ggml.merges");
  set("tokenizer.ggml.merges", MetaArray(Strings{"a b"}));
  const Vocab vocab = read();
  EXPECT_THAT(vocab.merges, ElementsAre("a b"));
  EXPECT_EQ(vocab.bos, kNoToken);
  EXPECT_EQ(vocab.eos, kNoToken);
}

TEST_F(VocabFromFile, RefusesIdsThatAreNoTokens) {
  for (const char* name : {"bos", "eos", "eot", "unknown", "padding"}) {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
    const io::Metadata good = metadata_;
    set(key, MetaValue(uint64_t{5}));
    expect_corrupt(key + " is 5, but the vocabulary has 5 tokens");
    set(key, MetaValue(int64_t{-1}));
    expect_corrupt(key);
    set(key, MetaValue("1"));
    expect_corrupt(key);
    metadata_ = good;
  }
}

TEST_F(VocabFromFile, RefusesListsOfOtherLengthsAndTypes) {
  set("tokenizer.ggml.scores", MetaArray(std::vector<double>{0, 0}));
  expect_corrupt("5 tokens but 2 scores");
  set("tokenizer.ggml.scores", MetaArray(Strings{"0"}));
  expect_corrupt("tokenizer.ggml.scores");
  metadata_.erase("tokenizer.ggml.scores");
  set("tokenizer.ggml.token_type", MetaArray(std::vector<int64_t>(6, 1)));
  expect_corrupt("5 tokens but 6 token types");
  for (const int64_t bad : {-1, 7, 1 << 30}) {
    set("tokenizer.ggml.token_type", MetaArray(std::vector<int64_t>{1, 1, 1, 1, bad}));
    expect_corrupt("token 4 is of the unknown type");
  }
  metadata_.erase("tokenizer.ggml.token_type");
  EXPECT_NO_THROW(read());
  set("tokenizer.ggml.add_bos_token", MetaValue(uint64_t{1}));
  expect_corrupt("tokenizer.ggml.add_bos_token");
}

TEST_F(VocabFromFile, RefusesFilesWithoutOne) {
  const io::Metadata good = metadata_;
  set("tokenizer.ggml.tokens", MetaArray(Strings{}));
  expect_corrupt("holds no vocabulary");
  metadata_.erase("tokenizer.ggml.tokens");
  expect_corrupt("vocab.gguf holds no vocabulary");
  metadata_ = good;
  metadata_.erase("tokenizer.ggml.model");
  expect_corrupt("holds no vocabulary");
}

TEST_F(VocabFromFile, LeavesUnknownTokenizersToTheTokenizer) {
  set("tokenizer.ggml.model", MetaValue("t5"));
  const Vocab vocab = read();
  io::expect_error([&] { tokenizer::Tokenizer::create(vocab); }, ErrorKind::kUnsupported, "t5");
}

// A GGJT file's vocabulary reaches the tokenizer whole.
TEST(VocabOfGgjt, EncodesAndDecodes) {
  const auto file = io::ModelFile::open(io::golden("tiny.bin"));
  const auto tokenizer = tokenizer::Tokenizer::create(vocab_from_file(*file));
  const std::string text = "A 鱼\nz";
  const std::vector<tokenizer::TokenId> ids = tokenizer->encode(text);
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(tokenizer->decode(ids), text);
}

}  // namespace
}  // namespace patina::model
