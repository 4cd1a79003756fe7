#include "tokenizer/bpe_tokenizer.h"

#include <utility>

#include "base/error.h"
#include "tokenizer/byte_level.h"

namespace patina::tokenizer {
namespace {

uint64_t pair_key(TokenId left, TokenId right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

bool is_special(TokenKind kind) {
  return kind == TokenKind::kControl || kind == TokenKind::kUnknown || kind == TokenKind::kUserDefined;
}

}  // namespace

BpeTokenizer::BpeTokenizer(Vocab raw, const PreTokenizerRules& rules)
    : Tokenizer(std::move(raw), rules.adds_bos), rules_(rules), pre_tokenizer_(rules) {
  bytes_.reserve(vocab().tokens.size());
  for (TokenId id = 0; id < size(); ++id) {
    const std::string& text = vocab().tokens[id];
    const TokenKind token_kind = vocab().kinds[id];
    if (token_kind == TokenKind::kByte && byte_of_token(text) >= 0) {
      bytes_.emplace_back(1, static_cast<char>(byte_of_token(text)));
    } else {
      bytes_.push_back(is_special(token_kind) ? text : byte_level_decode(text));
    }
  }
  if (rules_.whole_words_first) {
    for (TokenId id = 0; id < size(); ++id) {
      const TokenKind token_kind = vocab().kinds[id];
      if (token_kind == TokenKind::kNormal || token_kind == TokenKind::kUnused) words_.emplace(bytes_[id], id);
    }
  }
  Parts missing;
  for (int byte = 0; byte < 256; ++byte) {
    byte_tokens_[byte] = part(byte_level_character(static_cast<uint8_t>(byte)), missing);
  }
  build_merges(missing);
}

TokenId BpeTokenizer::part(const std::string& text, Parts& missing) const {
  const TokenId id = find(text);
  return id != kNoToken ? id : missing.emplace(text, size() + static_cast<TokenId>(missing.size())).first->second;
}

void BpeTokenizer::build_merges(Parts& missing) {
  merges_.reserve(vocab().merges.size());
  for (size_t rank = 0; rank < vocab().merges.size(); ++rank) {
    const std::string& line = vocab().merges[rank];
    const size_t space = line.find(' ', 1);
    if (space == std::string::npos || space + 1 == line.size()) {
      fail(ErrorKind::kInvalidData, "merge {} of the vocabulary, \"{}\", is not a pair; the file is corrupt", rank,
           line);
    }
    const std::string left = line.substr(0, space);
    const std::string right = line.substr(space + 1);
    const uint64_t key = pair_key(part(left, missing), part(right, missing));
    merges_.emplace(key, Merge{static_cast<double>(rank), part(left + right, missing)});
  }
}

std::string BpeTokenizer::piece(TokenId id, bool render_special) const {
  const TokenKind token_kind = kind(id);
  const bool hidden = token_kind == TokenKind::kControl || token_kind == TokenKind::kUnknown;
  return hidden && !render_special ? std::string() : bytes_[id];
}

void BpeTokenizer::encode_text(std::string_view text, bool /*begins*/, std::vector<TokenId>& ids) const {
  SymbolMerger merger;
  size_t begin = 0;
  for (const size_t end : pre_tokenizer_.split(text)) {
    encode_word(text.substr(begin, end - begin), merger, ids);
    begin = end;
  }
}

void BpeTokenizer::encode_word(std::string_view word, SymbolMerger& merger, std::vector<TokenId>& ids) const {
  if (const auto whole = words_.find(word); whole != words_.end()) {
    ids.push_back(whole->second);
    return;
  }
  merger.clear();
  for (size_t i = 0; i < word.size(); ++i) merger.append(i, 1, byte_tokens_[static_cast<uint8_t>(word[i])]);
  merger.merge([this](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const auto found = merges_.find(pair_key(left.id, right.id));
    if (found == merges_.end()) return std::nullopt;
    return found->second;
  });
  for (const Symbol& symbol : merger.symbols()) {
    if (symbol.length == 0) continue;
    if (symbol.id < size()) {
      ids.push_back(symbol.id);
    } else {
      append_bytes(word.substr(symbol.begin, symbol.length), ids);
    }
  }
}

void BpeTokenizer::append_bytes(std::string_view bytes, std::vector<TokenId>& ids) const {
  for (const char symbol : bytes) {
    const auto byte = static_cast<uint8_t>(symbol);
    if (byte_tokens_[byte] < size()) {
      ids.push_back(byte_tokens_[byte]);
    } else if (vocab().unk != kNoToken) {
      ids.push_back(vocab().unk);
    } else {
      fail(ErrorKind::kInvalidArgument, "the vocabulary has no token for the byte 0x{:02X} in the text", byte);
    }
  }
}

}  // namespace patina::tokenizer
