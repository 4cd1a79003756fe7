#include "engine/prompt_lookup.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace patina::engine {
namespace {

using Tokens = std::vector<TokenId>;

Tokens propose(PromptLookup& lookup, const Tokens& text, int64_t most) {
  const std::span<const TokenId> proposed = lookup.propose(text, most);
  return {proposed.begin(), proposed.end()};
}

Tokens propose(const Tokens& text, int64_t most) {
  PromptLookup lookup;
  return propose(lookup, text, most);
}

// Tokens `first` to `last`, of which no two are the same.
Tokens run(TokenId first, TokenId last) {
  Tokens tokens;
  for (TokenId token = first; token <= last; ++token) tokens.push_back(token);
  return tokens;
}

Tokens joined(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(PromptLookup, ProposesWhatFollowedTheLastTokensBefore) {
  const Tokens text = joined(run(1, 30), run(3, 14));
  EXPECT_EQ(propose(text, 4), run(15, 18));
  EXPECT_EQ(propose(text, 1), run(15, 15));
  EXPECT_EQ(propose(text, 0), Tokens());
}

TEST(PromptLookup, ProposesNothingWithoutAMatch) {
  EXPECT_EQ(propose({}, 8), Tokens());
  EXPECT_EQ(propose({1}, 8), Tokens());
  EXPECT_EQ(propose({1, 1}, 8), Tokens());
  EXPECT_EQ(propose(run(1, 100), 8), Tokens());
  EXPECT_EQ(propose(joined(run(1, 30), {3}), 8), Tokens());  // one token alone is no match
}

TEST(PromptLookup, TheLongestMatchCounts) {
  // 5 6 7 went on with 8 and, lately, 6 7 with 50.
  Tokens text = joined(run(1, 20), {40, 6, 7, 50, 51, 52});
  text = joined(text, {60, 3, 4, 5, 6, 7});
  const Tokens proposed = propose(text, 3);
  ASSERT_FALSE(proposed.empty());
  EXPECT_EQ(proposed[0], 8);
}

TEST(PromptLookup, AMatchThatReachesTheEndGoesOnWithItself) {
  Tokens text;
  for (int i = 0; i < 12; ++i) text = joined(text, {7, 8});
  EXPECT_EQ(propose(text, 4), Tokens({7, 8, 7, 8}));
  EXPECT_EQ(propose(Tokens(24, 5), 4), Tokens(4, 5));
}

// The number of rows spent on a text of a few random letters, in which pairs come again all the time and say nothing.
TEST(PromptLookup, ProposesLittleWhereGuessesFail) {
  std::mt19937 random(3);
  Tokens text;
  PromptLookup lookup;
  size_t proposed = 0;
  constexpr int kTokens = 2000;
  for (int i = 0; i < kTokens; ++i) {
    text.push_back(static_cast<TokenId>(random() % 32));
    proposed += propose(lookup, text, 15).size();
  }
  EXPECT_LT(proposed, kTokens / 20);
  // When the text then repeats itself, that is noticed.
  const Tokens before = text;
  for (int i = 0; i < 60; ++i) {
    text.push_back(before[static_cast<size_t>(i)]);
    propose(lookup, text, 15);
  }
  EXPECT_EQ(propose(lookup, text, 5), Tokens(before.begin() + 60, before.begin() + 65));
}

TEST(PromptLookup, AnotherTextIsRightToo) {
  PromptLookup lookup;
  propose(lookup, joined(run(1, 30), run(3, 14)), 4);
  EXPECT_EQ(propose(lookup, joined(run(101, 130), run(103, 114)), 4), run(115, 118));
  EXPECT_EQ(propose(lookup, run(1, 14), 4), Tokens());
  EXPECT_EQ(propose(lookup, joined(run(1, 30), run(3, 14)), 4), run(15, 18));
}

}  // namespace
}  // namespace patina::engine
