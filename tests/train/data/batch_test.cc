#include "train/data/batch.h"

#include <algorithm>
#include <map>
#include <memory>
#include <span>

#include "train/test_support.h"

namespace patina::train {
namespace {

using testing::ElementsAre;

TEST(EpochOrder, IsAPermutationOfSeedAndEpoch) {
  const std::vector<uint32_t> first = epoch_order(100, 1, 0);
  std::vector<uint32_t> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  for (uint32_t i = 0; i < 100; ++i) EXPECT_EQ(sorted[i], i);
  EXPECT_EQ(epoch_order(100, 1, 0), first);
  EXPECT_NE(epoch_order(100, 1, 1), first);
  EXPECT_NE(epoch_order(100, 2, 0), first);
  EXPECT_TRUE(epoch_order(0, 1, 0).empty());
  EXPECT_THAT(epoch_order(1, 1, 0), ElementsAre(0));
}

TEST(EpochOrder, EveryOrderIsEquallyLikely) {
  constexpr int kSeeds = 6000;
  std::map<std::vector<uint32_t>, int> counts;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) ++counts[epoch_order(3, seed, seed % 7)];
  ASSERT_EQ(counts.size(), 6);
  // 1000 are expected of each; five standard deviations are 144.
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, kSeeds / 6.0, 144);
}

TEST(Pack, LaysExamplesEndToEnd) {
  const ExampleList examples({{{1, 2, 3}, {{1, 3}}}, {{4, 5, 6, 7}, {{3, 4}}}});
  const std::vector<uint32_t> order = {1, 0};
  const std::vector<Batch> batches = pack(examples, order, 100);
  ASSERT_EQ(batches.size(), 1);
  EXPECT_THAT(batches[0].tokens, ElementsAre(4, 5, 6, 1, 2));
  EXPECT_THAT(batches[0].positions, ElementsAre(2, 3, 4));
  EXPECT_THAT(batches[0].targets, ElementsAre(7, 2, 3));
  EXPECT_THAT(batches[0].tokens_of(0), ElementsAre(4, 5, 6));
  EXPECT_THAT(batches[0].tokens_of(1), ElementsAre(1, 2));
}

// Of equal beginnings the first 16 tokens and more are not repeated, but for the one that predicts the first target.
TEST(Pack, LaysEqualBeginningsOnce) {
  std::vector<TokenId> tokens(20, 5);
  std::vector<TokenId> few = {5, 5, 5, 1};
  const ExampleList examples({{tokens, {{18, 20}}}, {few, {{3, 4}}}, {tokens, {{19, 20}}}, {tokens, {{2, 20}}}});
  const std::vector<Batch> batches = pack(examples, data_order(4), 100);
  ASSERT_EQ(batches.size(), 1);
  const Batch& batch = batches[0];
  EXPECT_EQ(batch.parts[1].shared, 0);
  EXPECT_EQ(batch.parts[2].shared, 18);
  EXPECT_EQ(batch.parts[2].trunk, 0);
  EXPECT_EQ(batch.parts[3].shared, 0);  // its second token is learned already
  EXPECT_EQ(batch.tokens.size(), 19 + 3 + 1 + 19);
  EXPECT_THAT(std::span(batch.positions).subspan(0, 4), ElementsAre(17, 18, 21, 22));
  EXPECT_EQ(batch.targets_of(3).size(), 18);
  EXPECT_EQ(batch.example_tokens, 3 * 19 + 3);
}

TEST(Pack, KeepsPairsTogether) {
  Example pair{{1, 2, 3}, {{2, 3}}};
  pair.rejected = std::make_shared<const Example>(Example{{1, 2, 4, 5}, {{2, 4}}});
  const ExampleList examples({pair, pair});
  EXPECT_EQ(examples.totals().tokens, 14);
  EXPECT_EQ(examples.totals().longest, 7);
  const std::vector<Batch> batches = pack(examples, data_order(2), 6);
  ASSERT_EQ(batches.size(), 2);
  EXPECT_TRUE(batches[0].is_chosen(0));
  EXPECT_TRUE(batches[0].parts[1].rejected);
  EXPECT_FALSE(batches[0].is_chosen(1));
  EXPECT_THAT(batches[0].tokens, ElementsAre(1, 2, 1, 2, 4));
  EXPECT_THAT(batches[0].targets, ElementsAre(3, 4, 5));
}

TEST(Pack, TakesEveryRangeOfLoss) {
  const ExampleList examples({{{1, 2, 3, 4, 5, 6, 7}, {{2, 4}, {6, 7}}}});
  const std::vector<uint32_t> order = {0};
  const std::vector<Batch> batches = pack(examples, order, 100);
  EXPECT_THAT(batches[0].positions, ElementsAre(1, 2, 5));
  EXPECT_THAT(batches[0].targets, ElementsAre(3, 4, 7));
}

TEST(Pack, KeepsToTheLimit) {
  const ExampleList examples(std::vector<Example>(5, Example{{1, 2, 3}, {{1, 3}}}));
  const std::vector<uint32_t> order = {0, 1, 2, 3, 4};
  const auto sizes = [&](size_t limit) {
    std::vector<size_t> result;
    for (const Batch& batch : pack(examples, order, limit)) result.push_back(batch.tokens.size());
    return result;
  };
  EXPECT_THAT(sizes(4), ElementsAre(4, 4, 2));
  EXPECT_THAT(sizes(5), ElementsAre(4, 4, 2));
  EXPECT_THAT(sizes(1), ElementsAre(2, 2, 2, 2, 2));
  EXPECT_THAT(sizes(10), ElementsAre(10));
}

}  // namespace
}  // namespace patina::train
