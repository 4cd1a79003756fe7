#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/vocab.h"

namespace patina::tokenizer {

// Checks that the parts of a vocabulary fit together (kInvalidData), gives every token a kind where the file has none,
// and makes the markers that end a turn or fill in code control tokens, as llama.cpp does (llama-vocab.cpp, `load`).
void complete_vocab(Vocab& vocab);

// Look-ups by text. Refers to the strings of `vocab`, which must be complete and outlive it.
class TokenTable {
 public:
  explicit TokenTable(const Vocab& vocab);

  TokenId find(std::string_view text) const;  // the lowest id with this text, or kNoToken
  bool ends_generation(TokenId id) const;

 private:
  std::unordered_map<std::string_view, TokenId> ids_;
  std::vector<bool> ends_generation_;
};

// The value of a byte token's text "<0xE4>"; -1 for any other text.
int byte_of_token(std::string_view text);

}  // namespace patina::tokenizer
