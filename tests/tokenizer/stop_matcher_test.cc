#include "tokenizer/stop_matcher.h"

#include <gtest/gtest.h>

#include <random>

namespace patina::tokenizer {
namespace {

TEST(StopMatcher, HoldsBackABeginningAndLetsItGo) {
  StopMatcher matcher({"### Instruction:", "\nUser"});
  EXPECT_EQ(matcher.push("Hello #"), "Hello ");
  EXPECT_EQ(matcher.push("## "), "");
  EXPECT_EQ(matcher.push("Done"), "### Done");
  EXPECT_EQ(matcher.push("\nUs"), "");
  EXPECT_FALSE(matcher.stopped());
  EXPECT_EQ(matcher.finish(), "\nUs");
}

TEST(StopMatcher, CutsAtTheStopTextAndDropsTheRest) {
  StopMatcher matcher({"### Instruction:"});
  EXPECT_EQ(matcher.push("answer\n### Instr"), "answer\n");
  EXPECT_EQ(matcher.push("uction: more"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.matched(), "### Instruction:");
  EXPECT_EQ(matcher.push("even more"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, OfSeveralTheOneCompleteFirstAndTheLongestOfThose) {
  StopMatcher first({"abcd", "bc"});
  EXPECT_EQ(first.push("xabcd"), "xa");
  EXPECT_EQ(first.matched(), "bc");
  StopMatcher longest({"c", "abc", "bc"});
  EXPECT_EQ(longest.push("xabcd"), "x");
  EXPECT_EQ(longest.matched(), "abc");
}

TEST(StopMatcher, WithoutStopTextsEverythingPasses) {
  StopMatcher matcher({"", ""});
  EXPECT_EQ(matcher.push("text"), "text");
  EXPECT_FALSE(matcher.stopped());
}

// Against a search of the whole text, for every way of cutting it.
TEST(StopMatcher, DoesNotDependOnTheCuts) {
  std::mt19937 random(3);
  const auto letters = [&](size_t most) {
    std::string text;
    for (size_t n = random() % (most + 1); n > 0; --n) text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    const std::vector<std::string> stops = {letters(4), letters(5), letters(6)};
    const std::string text = letters(24);
    std::string expected = text;
    for (size_t end = 1; end <= text.size() && expected.size() == text.size(); ++end) {
      for (const std::string& stop : stops) {
        if (stop.empty() || !text.substr(0, end).ends_with(stop)) continue;
        expected = expected.substr(0, std::min(expected.size(), end - stop.size()));
      }
    }
    StopMatcher matcher(stops);
    std::string shown;
    for (size_t i = 0; i < text.size();) {
      const size_t length = 1 + random() % 5;
      shown += matcher.push(std::string_view(text).substr(i, length));
      i += length;
    }
    shown += matcher.finish();
    ASSERT_EQ(shown, expected) << text;
  }
}

}  // namespace
}  // namespace patina::tokenizer
