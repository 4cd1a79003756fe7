#include "train/data/data_statistics.h"

#include "train/data/test_vocabulary.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

class DataStatisticsTest : public testing::Test {
 protected:
  RowSource source(const std::string& text) const {
    write_file(folder_ / "a.csv", text);
    const std::vector<std::filesystem::path> files = {folder_ / "a.csv"};
    return RowSource(files, TextEncoding::kAuto);
  }

  TemporaryFolder folder_;
};

TEST_F(DataStatisticsTest, CountsCharactersWithoutAVocabulary) {
  const DataStatistics found = examine(source("prompt,completion\nab,讲一个\na,b\nc,\n"), nullptr, 0, {});
  EXPECT_EQ(found.count(RowKind::kQuestion), 2);
  EXPECT_EQ(found.bad, 1);
  EXPECT_EQ(found.length, 5 + 2);
  EXPECT_EQ(found.loss_length, 3 + 1);
  EXPECT_EQ(found.longest, 5);
  EXPECT_EQ(found.duplicates, 0);
}

TEST_F(DataStatisticsTest, CountsTokensAndWhatIsTooLong) {
  const auto tokenizer = make_tokenizer({"a", "b"});
  const ExampleMaker maker(*tokenizer, {});
  const DataStatistics found = examine(source("text\naa\nbbbb\n"), &maker, 6, {});
  EXPECT_EQ(found.length, (1 + 1 + 2 + 1) + (1 + 1 + 4 + 1));  // begin, space, text, end
  EXPECT_EQ(found.loss_length, found.length - 2);
  EXPECT_EQ(found.too_long, 1);
  EXPECT_EQ(found.rows.size(), 2);
}

TEST_F(DataStatisticsTest, FindsDuplicatesInTheOrderOfTheData) {
  std::string text = "text\n";
  for (int i = 0; i < 100; ++i) text += fmt::format("{}\n", i % 40);
  const RowSource rows = source(text);
  const DataStatistics found = examine(rows, nullptr, 0, {});
  EXPECT_EQ(found.duplicates, 60);
  ASSERT_EQ(found.some_duplicates.size(), 5);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(rows.place(found.some_duplicates[i].first), fmt::format("{}:{}", rows.file_name(0), i + 2));
    EXPECT_EQ(rows.place(found.some_duplicates[i].second), fmt::format("{}:{}", rows.file_name(0), i + 42));
  }
}

TEST(LengthHistogram, ClassesDouble) {
  LengthHistogram histogram;
  EXPECT_TRUE(histogram.classes().empty());
  for (const uint64_t length : {2, 3, 8, 15, 15, 16}) histogram.add(length);
  const std::vector<LengthHistogram::Class> classes = histogram.classes();
  ASSERT_EQ(classes.size(), 4);
  const std::vector<std::array<uint64_t, 3>> expected = {{2, 3, 2}, {4, 7, 0}, {8, 15, 3}, {16, 31, 1}};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((std::array<uint64_t, 3>{classes[i].least, classes[i].most, classes[i].count}), expected[i]);
  }
  LengthHistogram extremes;
  extremes.add(0);
  extremes.add(UINT64_MAX);
  EXPECT_EQ(extremes.classes().size(), 64);
  EXPECT_EQ(extremes.classes()[0].most, 1);
  EXPECT_EQ(extremes.classes()[63].most, UINT64_MAX);
}

}  // namespace
}  // namespace patina::train
