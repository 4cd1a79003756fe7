#include "tokenizer/token_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace patina::tokenizer {
namespace {

// Texts of tokens after which nothing more is to be generated, whatever the file calls them (facts from llama.cpp,
// llama-vocab.cpp: special_eog_ids).
constexpr std::array<std::string_view, 30> kEndMarkers = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<｜end▁of▁sentence｜>",
    "<|fim_pad|>",
    "<fim-pad>",
    "<fim_pad>",
    "<PAD>",
    "[PAD]",
    "<|fim_repo|>",
    "<|repo_name|>",
    "<fim-repo>",
    "<REPO>",
    "<reponame>",
    "<|file_sep|>",
};

// Markers of fill-in-the-middle prompts, which are control tokens too (same source).
constexpr std::array<std::string_view, 20> kFillMarkers = {
    "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>",
    "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>",  "<SUF>", "▁<SUF>", "<|code_suffix|>",
    "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>",   "<MID>", "▁<MID>",
};

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void check_id(TokenId id, size_t size, std::string_view name) {
  if (id >= static_cast<int64_t>(size) || id < kNoToken) {
    fail(ErrorKind::kInvalidData, "the {} token {} is outside the vocabulary of {} tokens; the file is corrupt", name,
         id, size);
  }
}

void guess_kinds(Vocab& vocab) {
  vocab.kinds.assign(vocab.tokens.size(), TokenKind::kNormal);
  if (vocab.model == "llama") {
    for (size_t i = 0; i < vocab.tokens.size(); ++i) {
      if (byte_of_token(vocab.tokens[i]) >= 0) vocab.kinds[i] = TokenKind::kByte;
    }
  }
  for (const TokenId id : {vocab.bos, vocab.eos, vocab.eot, vocab.pad}) {
    if (id != kNoToken) vocab.kinds[id] = TokenKind::kControl;
  }
  if (vocab.unk != kNoToken) vocab.kinds[vocab.unk] = TokenKind::kUnknown;
}

}  // namespace

int byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  int value = 0;
  const char* end = text.data() + 5;
  const auto [stop, error] = std::from_chars(text.data() + 3, end, value, 16);
  return error == std::errc() && stop == end ? value : -1;
}

void complete_vocab(Vocab& vocab) {
  const size_t size = vocab.tokens.size();
  if (size == 0) fail(ErrorKind::kInvalidData, "the file holds no vocabulary; it is not a model that can read text");
  if (size > INT32_MAX)
    fail(ErrorKind::kInvalidData, "a vocabulary of {} tokens is too large; the file is corrupt", size);
  if (!vocab.scores.empty() && vocab.scores.size() != size) {
    fail(ErrorKind::kInvalidData, "the vocabulary has {} tokens but {} scores; the file is corrupt", size,
         vocab.scores.size());
  }
  if (std::any_of(vocab.scores.begin(), vocab.scores.end(), [](float score) { return std::isnan(score); })) {
    fail(ErrorKind::kInvalidData, "a score in the vocabulary is not a number; the file is corrupt");
  }
  if (!vocab.kinds.empty() && vocab.kinds.size() != size) {
    fail(ErrorKind::kInvalidData, "the vocabulary has {} tokens but {} token types; the file is corrupt", size,
         vocab.kinds.size());
  }
  check_id(vocab.bos, size, "BOS");
  check_id(vocab.eos, size, "EOS");
  check_id(vocab.eot, size, "EOT");
  check_id(vocab.unk, size, "unknown");
  check_id(vocab.pad, size, "padding");
  if (vocab.kinds.empty()) guess_kinds(vocab);
  for (size_t i = 0; i < size; ++i) {
    if (contains(kEndMarkers, vocab.tokens[i]) || contains(kFillMarkers, vocab.tokens[i])) {
      vocab.kinds[i] = TokenKind::kControl;
    }
  }
}

TokenTable::TokenTable(const Vocab& vocab) : ends_generation_(vocab.tokens.size(), false) {
  ids_.reserve(vocab.tokens.size());
  for (size_t i = 0; i < vocab.tokens.size(); ++i) {
    ids_.emplace(vocab.tokens[i], static_cast<TokenId>(i));
    if (contains(kEndMarkers, vocab.tokens[i])) ends_generation_[i] = true;
  }
  for (const TokenId id : {vocab.eos, vocab.eot}) {
    if (id != kNoToken) ends_generation_[id] = true;
  }
}

TokenId TokenTable::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? kNoToken : found->second;
}

bool TokenTable::ends_generation(TokenId id) const {
  return id >= 0 && id < static_cast<TokenId>(ends_generation_.size()) && ends_generation_[id];
}

}  // namespace patina::tokenizer
