#include "train/data/row_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "train/data/data_files.h"
#include "train/data/test_vocabulary.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

class RowDataTest : public testing::Test {
 protected:
  RowData load(const std::vector<std::string>& names, const BadRowSink& on_bad = {}, size_t context = 0) {
    std::vector<std::filesystem::path> files;
    files.reserve(names.size());
    for (const std::string& name : names) files.push_back(folder_ / name);
    return {std::make_shared<RowSource>(files, TextEncoding::kAuto),
            std::make_shared<ExampleMaker>(*tokenizer_, ExampleOptions{.context = context}), on_bad};
  }
  void write(const std::string& name, const std::string& text) const { write_file(folder_ / name, text); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_ = make_tokenizer({"a", "b"});
};

TEST_F(RowDataTest, HoldsTheRowsOfAllFilesInTheirOrder) {
  write("b.txt",
        "\xEF\xBB\xBF### Instruction:\r\na\r\n### Response:\r\nb\r\nc\r\n### Instruction:\na\n### Response:\nb");
  write("a.csv", "text\none\n\"two\nlines\"\n");
  write("c.jsonl", R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})");
  const RowData data = load({"b.txt", "a.csv", "c.jsonl"});
  ASSERT_EQ(data.size(), 5);
  EXPECT_EQ(data.row(0).turns[1].content, "b\nc");
  EXPECT_EQ(data.row(3).turns[0].content, "two\nlines");
  EXPECT_EQ(data.place(1), path("b.txt") + ":6");
  EXPECT_EQ(data.place(3), path("a.csv") + ":3");
  EXPECT_EQ(data.place(4), path("c.jsonl") + ":1");
  EXPECT_EQ(data.count(RowKind::kQuestion), 2);
  EXPECT_EQ(data.count(RowKind::kText), 2);
  EXPECT_EQ(data.count(RowKind::kChat), 1);
  DataTally tally;
  for (size_t i = 0; i < data.size(); ++i) tally.add(data.example(i));
  EXPECT_EQ(data.totals().digest, tally.totals().digest);
  EXPECT_EQ(data.totals().tokens, tally.totals().tokens);
  EXPECT_EQ(data.totals().loss_tokens, tally.totals().loss_tokens);
  EXPECT_EQ(data.totals().longest, tally.totals().longest);
}

// Far more than is in memory at once: what was let go of is read again.
TEST_F(RowDataTest, ReadsRowsOfLargeFilesInAnyOrder) {
  std::string text;
  constexpr size_t kRows = 100'000;
  for (size_t i = 0; i < kRows; ++i) text += fmt::format("{{\"text\": \"{} {}\"}}\n", i, std::string(100, 'a'));
  write("a.jsonl", text);
  const RowData data = load({"a.jsonl"});
  ASSERT_EQ(data.size(), kRows);
  for (const size_t i : {kRows - 1, size_t{0}, kRows / 2, size_t{77'777}}) {
    EXPECT_EQ(data.row(i).turns[0].content, fmt::format("{} {}", i, std::string(100, 'a')));
    EXPECT_EQ(data.place(i), fmt::format("{}:{}", path("a.jsonl"), i + 1));
  }
}

TEST_F(RowDataTest, NoticesThatAFileIsWrittenTo) {
  write("a.txt", "a\nb\n");
  const RowData data = load({"a.txt"});
  EXPECT_EQ(data.row(1).turns[0].content, "b");
  write("new.txt", "");
  std::filesystem::rename(folder_ / "new.txt", folder_ / "a.txt");
  EXPECT_EQ(data.row(1).turns[0].content, "b");  // of the file that was there
  write("b.txt", "a\nb\n");
  const RowData cut = load({"b.txt"});
  write("b.txt", "");
  expect_error([&] { (void)cut.example(1); }, ErrorKind::kInvalidData, "b.txt was written to while it was in use");
}

TEST_F(RowDataTest, NamesThePlaceOfABadRow) {
  write("a.jsonl",
        "{\"text\": \"a\"}\n{\"text\": \"\xC3(\"}\n{\"text\": \"abcdefg\"}\n{\"text\": 5}\n{\"text\": \"b\"}\n");
  expect_error([&] { load({"a.jsonl"}); }, ErrorKind::kInvalidData, path("a.jsonl") + ":2:11: the byte 0xC3 at offset");
  std::vector<std::string> bad;
  const RowData data = load({"a.jsonl"}, [&](const std::string& sentence) { bad.push_back(sentence); }, 8);
  EXPECT_EQ(data.size(), 2);
  EXPECT_EQ(data.place(1), path("a.jsonl") + ":5");
  EXPECT_THAT(bad, testing::ElementsAre(testing::HasSubstr("a.jsonl:2:11: the byte 0xC3"),
                                        testing::HasSubstr("a.jsonl:3: this example has 10 tokens"),
                                        testing::HasSubstr("a.jsonl:4: \"text\" is no text")));
}

TEST_F(RowDataTest, GoesOnBehindBadRowsOfEveryForm) {
  const auto good = [&](const std::string& name, const std::string& text) {
    write(name, text);
    size_t bad = 0;
    const RowData data = load({name}, [&](const std::string&) { ++bad; });
    return std::pair(data.size(), bad);
  };
  EXPECT_EQ(good("a.txt", "### Instruction:\na\n### Instruction:\na\n### Response:\nb\n"),
            std::pair(size_t{1}, size_t{1}));
  EXPECT_EQ(good("b.txt", "a\nb\n" + std::string("c\0d\ne", 5)), std::pair(size_t{3}, size_t{1}));
  EXPECT_EQ(good("a.json", "[{\"text\": 1}, {\"text\": \"a\"}, oops, {\"text\": \"b\"}"),
            std::pair(size_t{2}, size_t{3}));
  EXPECT_EQ(good("a.csv", "text,id\na\nb,1\n"), std::pair(size_t{1}, size_t{1}));
}

TEST_F(RowDataTest, HoldsOutAShare) {
  std::string text = "text\n";
  for (int i = 0; i < 100; ++i) text += fmt::format("{}\n", i);
  write("a.csv", text);
  const auto parts = [&](double share, uint64_t seed) {
    RowData data = load({"a.csv"});
    const uint64_t tokens = data.totals().tokens;
    const uint64_t digest = data.totals().digest;
    const std::unique_ptr<RowData> held = data.hold_out(share, seed);
    EXPECT_EQ(data.totals().tokens + held->totals().tokens, tokens);
    EXPECT_EQ(data.count(RowKind::kText), data.size());
    EXPECT_NE(data.totals().digest, digest);
    std::vector<std::string> texts;
    texts.reserve(held->size());
    for (size_t i = 0; i < held->size(); ++i) texts.push_back(held->row(i).turns[0].content);
    std::vector<std::string> all = texts;
    for (size_t i = 0; i < data.size(); ++i) all.push_back(data.row(i).turns[0].content);
    EXPECT_EQ(std::set(all.begin(), all.end()).size(), 100);
    return texts;
  };
  const std::vector<std::string> held = parts(0.05, 1);
  EXPECT_EQ(held.size(), 5);
  EXPECT_TRUE(std::ranges::is_sorted(held, {}, [](const std::string& number) { return std::stoi(number); }));
  EXPECT_EQ(parts(0.05, 1), held);
  EXPECT_NE(parts(0.05, 2), held);
  EXPECT_EQ(parts(0.001, 1).size(), 1);
  EXPECT_EQ(parts(1, 1).size(), 99);
  write("one.txt", "a\n");
  RowData one = load({"one.txt"});
  expect_error([&] { one.hold_out(0.5, 1); }, ErrorKind::kInvalidArgument, "of a single row none can be held out");
}

TEST_F(RowDataTest, CutsRunningTextByItsTokens) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += fmt::format("word{} ", i);
  write("book.txt", text + "\n");
  const std::vector<std::filesystem::path> files = {folder_ / "book.txt"};
  const auto source = std::make_shared<RowSource>(files, TextEncoding::kAuto, PlainText::kBook);
  const auto maker = std::make_shared<ExampleMaker>(*tokenizer_, ExampleOptions{.context = 50});
  source->cut_books(48, [&](std::string_view piece) { return maker->count(piece); });
  const RowData data(source, maker, {});
  EXPECT_GT(data.size(), 40);
  std::string all;
  for (size_t i = 0; i < data.size(); ++i) {
    const Row row = data.row(i);
    EXPECT_EQ(row.ends, i + 1 == data.size());
    EXPECT_EQ(data.example(i).tokens.back() == tokenizer_->eos(), row.ends);
    EXPECT_LE(data.example(i).tokens.size(), 50);
    all += row.turns[0].content + " ";
  }
  EXPECT_EQ(all, text);
}

TEST_F(RowDataTest, RefusesFilesThatHoldNothing) {
  write("empty.txt", "");
  write("blank.txt", " \n\t\n");
  write("prose.csv", "Dear diary,\ntoday was nice\n");
  write("header.csv", "prompt,completion\n");
  expect_error([&] { load({"empty.txt"}); }, ErrorKind::kInvalidData, "empty.txt holds no training text");
  expect_error([&] { load({"blank.txt"}); }, ErrorKind::kInvalidData, "blank.txt holds no training text");
  expect_error([&] { load({"prose.csv"}); }, ErrorKind::kInvalidData, "name the fields text; prompt and completion;");
  expect_error([&] { load({"header.csv"}); }, ErrorKind::kInvalidData, "header.csv holds no training text");
  expect_error([&] { load({"none.txt"}); }, ErrorKind::kNotFound, "none.txt");
}

TEST_F(RowDataTest, FoldersStandForTheTextInThem) {
  for (const char* name : {"z.txt", "b.jsonl", "a.csv", "model.gguf"}) write(name, "a\n");
  std::filesystem::create_directory(folder_ / "more.txt");
  std::vector<std::string> notices;
  const LogSink log = [&](LogLevel, std::string_view text) { notices.emplace_back(text); };
  const std::filesystem::path folder = folder_ / "";
  EXPECT_THAT(data_files({folder_ / "z.txt", folder}, log),
              testing::ElementsAre(folder_ / "z.txt", folder_ / "a.csv", folder_ / "b.jsonl", folder_ / "z.txt"));
  EXPECT_THAT(notices, testing::ElementsAre(testing::HasSubstr("model.gguf is no training text by its name")));
  expect_error([&] { data_files({folder_ / "more.txt"}, {}); }, ErrorKind::kInvalidData,
               "there is no training text in");
}

}  // namespace
}  // namespace patina::train
