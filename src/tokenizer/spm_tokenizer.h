#pragma once

#include <array>
#include <unordered_map>

#include "tokenizer/symbol_merger.h"
#include "tokenizer/tokenizer.h"

namespace patina::tokenizer {

// SentencePiece's BPE as Llama and Gemma files carry it (Kudo and Richardson 2018, "SentencePiece"): spaces become
// U+2581, characters merge in the order of the merged token's score, and what is in no token falls back to bytes.
class SpmTokenizer final : public Tokenizer {
 public:
  explicit SpmTokenizer(Vocab vocab);

  std::string piece(TokenId id, bool render_special) const override;

 private:
  void encode_text(std::string_view text, bool begins, std::vector<TokenId>& ids) const override;
  bool prefixes_space() const override { return vocab().add_space_prefix != 0; }
  bool gives_unknown() const override;
  TokenId text_token(std::string_view text) const;
  void append_fallback(std::string_view symbol, std::vector<TokenId>& ids) const;

  std::unordered_map<std::string_view, TokenId> text_tokens_;  // without control, unknown and byte tokens
  size_t longest_ = 0;
  std::array<TokenId, 256> byte_tokens_{};
};

}  // namespace patina::tokenizer
