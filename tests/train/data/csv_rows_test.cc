#include "train/data/csv_rows.h"

#include "train/data/rows_support.h"

namespace patina::train {
namespace {

void expect_refused(const std::string& text, const std::string& place, const std::string& part) {
  expect_error([&] { rows_of(text, "CSV"); }, ErrorKind::kInvalidData, "data.txt:" + place + ": ");
  expect_error([&] { rows_of(text, "CSV"); }, ErrorKind::kInvalidData, part);
}

TEST(CsvRows, AreFoundByTheirHeader) {
  const std::vector<FoundRow> rows =
      rows_of("\xEF\xBB\xBF Prompt ,\"COMPLETION\"\r\n\"a\r\nb\",c\r\n\r\nd,\"say \"\"e\"\", f\"", "CSV");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(turns_of(rows[0].row), "user: a\nb\nassistant: c\n");
  EXPECT_EQ(rows[0].line, 2);
  EXPECT_EQ(turns_of(rows[1].row), "user: d\nassistant: say \"e\", f\n");
  EXPECT_EQ(rows[1].line, 5);
  EXPECT_EQ(rows_of("text\none\ntwo \"2\"", "CSV").size(), 2);
  EXPECT_EQ(rows_of("prompt,reply\na,b", "plain lines").size(), 2);
}

TEST(CsvRows, ErrorsNameThePlace) {
  expect_refused("prompt,completion\na\n", "2:1", "this row has 1 field, the header has 2");
  expect_refused("prompt,completion\na,b\n\nc,d,e\n", "4:1", "this row has 3 fields, the header has 2");
  expect_refused("prompt,completion\na,\"b\nc,d\n", "2:3", "the quote that opens here is never closed");
  expect_refused("prompt,completion\na,\"b\" c\n", "2:6", "text behind a closing quote");
  expect_refused("prompt,completion\n\"a\"b,c\n", "2:4", "text behind a closing quote");
  expect_refused("prompt,completion\na,b\nc,\n", "3:1", "\"completion\" is empty");
  expect_refused("id,messages\n1,[5\n", "2:3", "no valid JSON");
  expect_refused("messages\n\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"a\"\"}]\"\n", "2:1",
                 "no turn of the assistant");
}

}  // namespace
}  // namespace patina::train
