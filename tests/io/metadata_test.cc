#include "io/metadata.h"

#include "io/test_files.h"

namespace patina::io {
namespace {

TEST(Metadata, ConvertsNumbersWhereTheyFit) {
  Metadata m;
  m.set("negative", int64_t{-1});
  m.set("positive", int64_t{5});
  m.set("large", ~uint64_t{0});
  m.set("real", 2.5);
  m.set("larges", MetaArray(std::vector<uint64_t>{1, ~uint64_t{0}}));
  m.set("smalls", MetaArray(std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(m.get_uint("positive"), 5);
  EXPECT_EQ(m.get_float("negative"), -1.0);
  EXPECT_EQ(m.get_uint("none", 7), 7);
  EXPECT_THAT(m.get_ints("smalls"), testing::ElementsAre(1, 2));
  EXPECT_THAT(m.get_floats("smalls"), testing::ElementsAre(1.0, 2.0));
  EXPECT_TRUE(m.get_ints("none").empty());
  EXPECT_EQ(m.find_strings("none"), nullptr);
  constexpr ErrorKind kKind = ErrorKind::kInvalidData;
  expect_error([&] { (void)m.get_uint("negative"); }, kKind, "negative");
  expect_error([&] { (void)m.get_uint("real", 1); }, kKind, "real");
  expect_error([&] { (void)m.get_uint("none"); }, kKind, "lacks none");
  expect_error([&] { (void)m.get_ints("larges"); }, kKind, "larges");
  expect_error([&] { (void)m.get_string("real"); }, kKind, "real");
  expect_error([&] { (void)m.find_strings("smalls"); }, kKind, "smalls");
  expect_error([&] { (void)m.get_bool("real", true); }, kKind, "real");
}

TEST(Metadata, KeepsTheOrderWhenEntriesChangeAndGo) {
  Metadata m;
  for (const char* key : {"a", "b", "c"}) m.set(key, uint64_t{1});
  m.set("a", uint64_t{2});
  m.erase("b");
  m.erase("b");
  m.set("d", uint64_t{3});
  std::string keys;
  for (const MetaEntry& entry : m.entries()) keys += entry.key;
  EXPECT_EQ(keys, "acd");
  EXPECT_EQ(m.get_uint("a"), 2);
  EXPECT_EQ(m.get_uint("d"), 3);
  EXPECT_FALSE(m.has("b"));
}

TEST(Metadata, RefusesATypeThatCannotHoldTheValue) {
  Metadata m;
  expect_error([&] { m.set("a", uint64_t{256}, MetaType::kU8); }, ErrorKind::kInvalidArgument, "a");
  expect_error([&] { m.set("a", 0.5, MetaType::kU8); }, ErrorKind::kInvalidArgument, "a");
  expect_error([&] { m.set("a", "text", MetaType::kF32); }, ErrorKind::kInvalidArgument, "a");
}

}  // namespace
}  // namespace patina::io
