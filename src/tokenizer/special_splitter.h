#pragma once

#include <array>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/vocab.h"

namespace patina::tokenizer {

// A stretch of text, or the special token whose text was found there.
struct Fragment {
  std::string_view text;
  TokenId token = kNoToken;  // kNoToken: plain text
};

// Finds the texts of special tokens in a text. Longer ones go first wherever they are, equally long ones from left to
// right. Immutable; refers to the vocabulary's strings, which must outlive it.
class SpecialSplitter {
 public:
  void add(std::string_view text, TokenId token);
  std::vector<Fragment> split(std::string_view text) const;

 private:
  struct Group {  // the tokens of one length
    size_t length = 0;
    std::array<bool, 256> first_bytes{};
    std::unordered_map<std::string_view, TokenId> tokens;
  };
  struct Match {
    size_t begin;
    size_t length;
    TokenId token;
  };
  std::vector<Match> find_matches(std::string_view text) const;

  std::vector<Group> groups_;  // longest first
  std::array<bool, 256> first_bytes_{};
};

}  // namespace patina::tokenizer
