#include "train/data/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace patina::train {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Examples of so many tokens each, the last of which carries loss.
ExampleList examples_of(const std::vector<size_t>& lengths) {
  std::vector<Example> examples;
  examples.reserve(lengths.size());
  for (const size_t length : lengths) examples.push_back({std::vector<TokenId>(length, 1), {{length - 1, length}}});
  return ExampleList(std::move(examples));
}

TEST(Shares, AreAllRowsInTheirOrderForOneProcess) {
  EXPECT_THAT(share_of(examples_of({3, 2, 4}), std::vector<uint32_t>{2, 0, 1}, {0, 1}), ElementsAre(2, 0, 1));
}

// By hand: 9 to the first, 5 to the second, then 4 to the second (5 tokens against 9), then 2 to either of 9 and 9.
TEST(Shares, ComeToTheSameNumberOfTokens) {
  const ExampleList data = examples_of({4, 9, 2, 5});
  const std::vector<uint32_t> rows = {0, 1, 2, 3};
  EXPECT_THAT(share_of(data, rows, {0, 2}), ElementsAre(1, 2));
  EXPECT_THAT(share_of(data, rows, {1, 2}), ElementsAre(0, 3));
}

TEST(Shares, AreEmptyWhereThereAreFewerRowsThanProcesses) {
  const ExampleList data = examples_of({4, 9});
  const std::vector<uint32_t> rows = {0, 1};
  EXPECT_THAT(share_of(data, rows, {0, 3}), ElementsAre(1));
  EXPECT_THAT(share_of(data, rows, {1, 3}), ElementsAre(0));
  EXPECT_THAT(share_of(data, rows, {2, 3}), IsEmpty());
}

TEST(Shares, OfRowsThatAreMeasuredAreEveryNth) {
  const ExampleList data = examples_of({2, 3, 4, 5, 6});
  const EveryNth odd(data, {1, 2});
  ASSERT_EQ(odd.size(), 2);
  EXPECT_EQ(odd.example(1).tokens.size(), 5);
  EXPECT_EQ(odd.place(1), data.place(3));
  EXPECT_EQ(EveryNth(data, {0, 2}).size(), 3);
  EXPECT_EQ(EveryNth(data, {6, 7}).size(), 0);
}

}  // namespace
}  // namespace patina::train
