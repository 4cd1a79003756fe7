#include "apps/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace patina::apps {
namespace {

const std::vector<std::string> kNames = {"--prompt", "-p", "--predict", "--top-k", "--top-p", "--temp", "-t", "-s"};

TEST(TypingDistance, CountsEachMistake) {
  EXPECT_EQ(typing_distance("prompt", "prompt"), 0U);
  EXPECT_EQ(typing_distance("promt", "prompt"), 2U);    // left out
  EXPECT_EQ(typing_distance("promppt", "prompt"), 2U);  // put in
  EXPECT_EQ(typing_distance("pronpt", "prompt"), 2U);   // replaced
  EXPECT_EQ(typing_distance("propmt", "prompt"), 2U);   // swapped
  EXPECT_EQ(typing_distance("Prompt", "prompt"), 1U);   // wrong case
  EXPECT_EQ(typing_distance("", "abc"), 6U);
  EXPECT_EQ(typing_distance("kitten", "sitting"), 6U);
}

TEST(NearestName, IsTheOneMeant) {
  EXPECT_EQ(nearest_name("--promt", kNames), "--prompt");
  EXPECT_EQ(nearest_name("--topk", kNames), "--top-k");
  EXPECT_EQ(nearest_name("--tmep", kNames), "--temp");
  EXPECT_EQ(nearest_name("-T", kNames), "-t");
  EXPECT_EQ(nearest_name("anything", {}), "");
}

TEST(Suggestion, SaysHowSureItIs) {
  EXPECT_EQ(suggestion("--promt", kNames), "; did you mean --prompt?");
  EXPECT_EQ(suggestion("--xyzuvw", kNames), "; the nearest known is --prompt.");
  EXPECT_EQ(suggestion("--promt", {}), "");
}

}  // namespace
}  // namespace patina::apps
