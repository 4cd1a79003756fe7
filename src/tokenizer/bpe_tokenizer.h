#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/symbol_merger.h"
#include "tokenizer/tokenizer.h"

namespace patina::tokenizer {

// Byte-level BPE (Radford et al. 2019, GPT-2): text is split into words by regexes, and within a word bytes merge in
// the order of the list of merges.
class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(Vocab vocab, const PreTokenizerRules& rules);

  std::string piece(TokenId id, bool render_special) const override;

 private:
  // Parts that merges name but the vocabulary lacks have ids from size() on.
  using Parts = std::unordered_map<std::string, TokenId>;

  void encode_text(std::string_view text, bool begins, std::vector<TokenId>& ids) const override;
  void encode_word(std::string_view word, SymbolMerger& merger, std::vector<TokenId>& ids) const;
  void append_bytes(std::string_view bytes, std::vector<TokenId>& ids) const;
  TokenId part(const std::string& text, Parts& missing) const;
  void build_merges(Parts& missing);

  const PreTokenizerRules& rules_;  // in the registry, which lives as long as the program
  PreTokenizer pre_tokenizer_;
  std::vector<std::string> bytes_;  // of each token
  std::array<TokenId, 256> byte_tokens_{};
  std::unordered_map<std::string_view, TokenId> words_;  // tokens by their bytes, where rules_.whole_words_first
  std::unordered_map<uint64_t, Merge> merges_;           // by left id << 32 | right id
};

}  // namespace patina::tokenizer
