#include "train/data/row_list.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "base/error.h"

namespace patina::train {
namespace {

TEST(RowListTest, GivesBackEveryRow) {
  std::mt19937_64 random(7);
  std::vector<RowId> rows;
  RowList list;
  for (size_t file = 0; file < 3; ++file) {
    uint64_t offset = random() % 2;
    for (int i = 0; i < 1000; ++i) {
      rows.emplace_back(file, offset);
      list.add(rows.back());
      offset += 1 + random() % (uint64_t{1} << (random() % 36));  // one byte to gigabytes
    }
  }
  ASSERT_EQ(list.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(list[i].file(), rows[i].file()) << i;
    ASSERT_EQ(list[i].offset(), rows[i].offset()) << i;
  }
}

TEST(RowListTest, RefusesRowsOutOfOrder) {
  RowList list;
  list.add(RowId(1, 10));
  EXPECT_THROW(list.add(RowId(1, 10)), Error);
  EXPECT_THROW(list.add(RowId(0, 99)), Error);
  EXPECT_EQ(list.size(), 1U);
}

}  // namespace
}  // namespace patina::train
