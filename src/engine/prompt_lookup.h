#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/drafter.h"

namespace patina::engine {

// Guesses that a text goes on as it did where its last few tokens stood before (Saxena, 2023, "Prompt Lookup
// Decoding"). How many tokens are proposed depends on how often guesses after a match of that length came true lately:
// none where that does not pay for the rows. Guesses that are not proposed are judged as well, so that text which
// begins to repeat is noticed at no cost. Takes time in proportion to the new tokens, and for one comparison of the
// text with the last one, which it mostly goes on from.
class PromptLookup final : public Drafter {
 public:
  PromptLookup();
  std::span<const TokenId> propose(std::span<const TokenId> text, int64_t most) override;

 private:
  // The longest match counted on its own; longer ones are as good.
  static constexpr int64_t kLongestMatch = 16;

  // How often guesses came true, lately.
  struct Rate {
    double hits;
    double trials;
    void add(bool hit);
    double value() const { return hits / trials; }
  };

  // Where the text's end stood before: `length` tokens that end at `end` are the same.
  struct Match {
    int64_t end = 0;
    int64_t length = 0;
  };

  void forget();
  void learn(std::span<const TokenId> text);
  void append(std::span<const TokenId> tokens);
  Match longest_match() const;
  void guess(const Match& match, int64_t count);
  int64_t paying_length(int64_t match_length, int64_t most) const;

  std::vector<TokenId> text_;
  // The places at which the text goes on after the same few tokens: the last of them by hash, and before each the one
  // before, as in LZ77's chains. -1: none.
  std::unordered_map<uint64_t, int64_t> last_;
  std::vector<int64_t> before_;
  std::array<Rate, kLongestMatch + 1> rates_;
  std::vector<TokenId> guess_;  // how text_ may go on
  int64_t guess_match_ = 0;     // the match's length that led to it
};

}  // namespace patina::engine
