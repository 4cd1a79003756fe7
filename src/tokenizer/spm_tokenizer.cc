#include "tokenizer/spm_tokenizer.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.h"
#include "tokenizer/utf8.h"

namespace patina::tokenizer {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    result += text.substr(0, at);
    result += to;
    text.remove_prefix(at + from.size());
  }
  result += text;
  return result;
}

}  // namespace

SpmTokenizer::SpmTokenizer(Vocab raw) : Tokenizer(std::move(raw), true) {
  byte_tokens_.fill(kNoToken);
  text_tokens_.reserve(vocab().tokens.size());
  for (TokenId id = 0; id < size(); ++id) {
    const std::string& text = vocab().tokens[id];
    switch (vocab().kinds[id]) {
      case TokenKind::kControl:
      case TokenKind::kUnknown:
        break;
      case TokenKind::kByte: {
        const int byte = byte_of_token(text);
        if (byte < 0) fail(ErrorKind::kInvalidData, "token {} is marked as a byte but its text is \"{}\"", id, text);
        byte_tokens_[byte] = id;
        break;
      }
      default:
        if (text.empty()) break;
        text_tokens_.emplace(text, id);
        longest_ = std::max(longest_, text.size());
    }
  }
}

std::string SpmTokenizer::piece(TokenId id, bool render_special) const {
  const std::string& text = vocab().tokens[id < 0 || id >= size() ? 0 : id];
  switch (kind(id)) {
    case TokenKind::kControl:
    case TokenKind::kUnknown:
      return render_special ? text : std::string();
    case TokenKind::kByte:
      return {static_cast<char>(byte_of_token(text))};
    default:
      return replace_all(text, kSpaceMark, " ");
  }
}

bool SpmTokenizer::gives_unknown() const {
  return std::find(byte_tokens_.begin(), byte_tokens_.end(), kNoToken) != byte_tokens_.end();
}

TokenId SpmTokenizer::text_token(std::string_view text) const {
  if (text.size() > longest_) return kNoToken;
  const auto found = text_tokens_.find(text);
  return found == text_tokens_.end() ? kNoToken : found->second;
}

void SpmTokenizer::append_fallback(std::string_view symbol, std::vector<TokenId>& ids) const {
  const bool has_bytes = std::all_of(
      symbol.begin(), symbol.end(), [this](char byte) { return byte_tokens_[static_cast<uint8_t>(byte)] != kNoToken; });
  if (has_bytes) {
    for (const char byte : symbol) ids.push_back(byte_tokens_[static_cast<uint8_t>(byte)]);
  } else if (vocab().unk != kNoToken) {
    ids.push_back(vocab().unk);
  } else {
    fail(ErrorKind::kInvalidArgument,
         "the vocabulary has no token for \"{}\", and none for its bytes or for the unknown", symbol);
  }
}

void SpmTokenizer::encode_text(std::string_view text, bool begins, std::vector<TokenId>& ids) const {
  std::string escaped = begins && prefixes_space() ? std::string(kSpaceMark) : std::string();
  escaped += replace_all(text, " ", kSpaceMark);
  const std::string_view all = escaped;

  SymbolMerger merger;
  for (size_t i = 0; i < all.size();) {
    const Utf8Character character = first_character(all.substr(i));
    const size_t length = character.status == Utf8Status::kComplete ? character.length : 1;
    merger.append(i, length, text_token(all.substr(i, length)));
    i += length;
  }
  const std::vector<float>& scores = vocab().scores;
  merger.merge([&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const TokenId id = text_token(all.substr(left.begin, left.length + right.length));
    if (id == kNoToken) return std::nullopt;
    return Merge{scores.empty() ? 0.0 : -static_cast<double>(scores[id]), id};
  });
  for (const Symbol& symbol : merger.symbols()) {
    if (symbol.length == 0) continue;
    if (symbol.id != kNoToken) {
      ids.push_back(symbol.id);
    } else {
      append_fallback(all.substr(symbol.begin, symbol.length), ids);
    }
  }
}

}  // namespace patina::tokenizer
