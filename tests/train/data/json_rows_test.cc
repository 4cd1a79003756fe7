#include "train/data/json_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "train/data/rows_support.h"

namespace patina::train {
namespace {

void expect_refused(const std::string& text, std::string_view form, const std::string& place, const std::string& part) {
  expect_error([&] { rows_of(text, form); }, ErrorKind::kInvalidData, "data.txt:" + place + ": ");
  expect_error([&] { rows_of(text, form); }, ErrorKind::kInvalidData, part);
}

void expect_line_refused(const std::string& text, const std::string& place, const std::string& part) {
  expect_refused(text, "JSON lines", place, part);
}

TEST(JsonRows, BeginWhereTheyStand) {
  EXPECT_EQ(rows_of("\n{\"text\": \"a\"}\r\n\r\n  {\"text\": \"b\"}", "JSON lines")[1].line, 4);
  const std::vector<FoundRow> rows =
      rows_of("[\n {\"text\": \"],}\\\"\"},\n\n {\"text\": \"b\"} , {\"text\":\n\"c\"}\n]\n", "JSON array");
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(turns_of(rows[0].row), "assistant: ],}\"\n");
  EXPECT_EQ(rows[0].line, 2);
  EXPECT_EQ(rows[1].line, 4);
  EXPECT_EQ(rows[2].line, 4);
}

// The first shape that is complete counts.
TEST(JsonRows, HaveTheShapeOfTheirKeys) {
  const auto row = [](const std::string& fields) { return rows_of("{" + fields + "}", "JSON lines")[0].row; };
  EXPECT_EQ(row(R"("text": "t", "prompt": "p", "completion": "c", "instruction": "i")").turns[0].content, "p");
  EXPECT_EQ(row(R"("output": "o", "input": "", "prompt": "p", "completion": "c", "instruction": "i")").turns[0].content,
            "i");
  EXPECT_EQ(row(R"("text": "t", "prompt": "p")").kind, RowKind::kText);
  EXPECT_EQ(
      row(R"("conversations": [{"from": "system", "value": "s"}, {"from": "model", "value": " a "}])").turns[1].content,
      " a ");
}

TEST(JsonRows, PreferencesHaveManyShapes) {
  const auto row = [](const std::string& fields) { return rows_of("{" + fields + "}", "JSON lines")[0].row; };
  const Row question = row(R"("prompt": "p", "chosen": " c ", "rejected": "r\n", "completion": "x")");
  EXPECT_EQ(question.kind, RowKind::kQuestion);
  EXPECT_EQ(turns_of(question), "user: p\nassistant: c\n");
  EXPECT_EQ(question.rejected, "r");
  const std::string c = R"([{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}])";
  const std::string r = R"([{"role": "user", "content": "p"}, {"role": "assistant", "content": "r"}])";
  const std::string c_alone = R"([{"role": "assistant", "content": "c"}])";
  const std::string r_alone = R"([{"role": "assistant", "content": "r"}])";
  const auto pair = [](const char* prompt, const std::string& chosen, const std::string& rejected) {
    return fmt::format(R"({}"chosen": {}, "rejected": {})", prompt, chosen, rejected);
  };
  for (const std::string& fields :
       {pair("", c, r), pair(R"("prompt": "p", )", c, r), pair(R"("prompt": "p", )", c_alone, r_alone),
        pair(R"("prompt": [{"role": "user", "content": "p"}], )", c_alone, r_alone)}) {
    const Row chat = row(fields);
    EXPECT_EQ(chat.kind, RowKind::kChat) << fields;
    EXPECT_EQ(turns_of(chat), "user: p\nassistant: c\n") << fields;
    EXPECT_EQ(chat.rejected, "r") << fields;
  }
  EXPECT_FALSE(row(R"("text": "t")").rejected);
}

TEST(JsonRows, ErrorsOfPreferences) {
  expect_line_refused(R"({"chosen": "c", "rejected": "r"})", "1:1", "add the \"prompt\"");
  expect_line_refused(R"({"prompt": "p", "chosen": "c", "rejected": " "})", "1:1", "\"rejected\" is empty");
  expect_line_refused(R"({"prompt": "p", "chosen": "c", "rejected": []})", "1:1", "\"rejected\" is no text");
  const std::string answer = R"([{"role": "assistant", "content": "c"}])";
  expect_line_refused(R"({"chosen": )" + answer + R"(, "rejected": )" + answer + "}", "1:1", "after a prompt");
  expect_line_refused(R"({"prompt": "p", "chosen": )" + answer + R"(, "rejected": "r"})", "1:1",
                      "\"rejected\" is no list");
  const std::string other = R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "c"}])";
  const std::string one = R"([{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}])";
  expect_line_refused(R"({"chosen": )" + one + R"(, "rejected": )" + other + "}", "1:1", "only that may differ");
  expect_line_refused(R"({"prompt": "a", "chosen": "b", "rejected": " b"})", "1:1", "teaches nothing");
  expect_line_refused(R"({"chosen": )" + one + R"(, "rejected": )" + one + "}", "1:1", "teaches nothing");
}

TEST(JsonRows, ErrorsNameThePlaceOfWhatIsNoJson) {
  expect_line_refused("{\"text\": \"a\"}\n{\"text\": 'b'}\n", "2:10", "no valid JSON: syntax error while parsing");
  expect_line_refused("{\"text\": \"讲一\" x}", "1:15", "no valid JSON");
  expect_line_refused("{\"text\": \"a\"}\n{\"text\": \"b", "2:12", "missing closing quote");
  expect_line_refused("{\"text\": \"a\"} {\"text\": \"b\"}", "1:15", "no valid JSON");
  expect_line_refused("{\n\"text\": \"a\"\n}\n", "1:1", "write each in one line, or all as an array");
  expect_line_refused("{\"text\": \"a\"}\nhello\n", "2:1", "no valid JSON");
  expect_line_refused("{\"text\": \"a\"}\n[1]\n", "2:1", "a row is an object {...} with text; prompt and completion");
  expect_refused("[\n{\"text\": \"a\"},\n{\"text\": \"b\"\n", "JSON array", "3:13", "unexpected end of input");
  expect_refused("[{\"text\": \"a\"},\n", "JSON array", "2:1", "ends without \"]\"");
  expect_refused("[{\"text\": \"a\"}", "JSON array", "1:15", "ends without \"]\"");
  expect_refused("[{\"text\": \"a\"}]\n more", "JSON array", "1:15", "text behind the end of the array");
  expect_refused("[{\"text\": \"a\"}, 5, {}]", "JSON array", "1:17", "a row is an object");
  expect_refused("[{\"text\": \"a\"}}, {}]", "JSON array", "1:15", "no valid JSON");
}

TEST(JsonRows, ErrorsSayWhichFieldIsWrong) {
  expect_line_refused("{\"txt\": \"a\", \"id\": 1}", "1:1",
                      "no fields that patina knows (there are: id, txt); name them text;");
  expect_line_refused("{}", "1:1", "there are: none");
  expect_line_refused("{\"text\": 5}", "1:1", "\"text\" is no text");
  expect_line_refused("{\"text\": \" \\n\"}", "1:1", "\"text\" is empty");
  expect_line_refused("{\"prompt\": \"a\", \"completion\": \"\"}", "1:1", "\"completion\" is empty");
  expect_line_refused("{\"instruction\": \"a\", \"input\": [], \"output\": \"b\"}", "1:1", "\"input\" is no text");
  expect_line_refused("{\"messages\": \"a\"}", "1:1", "\"messages\" is no list");
  expect_line_refused("{\"messages\": [5]}", "1:1", "is no object");
  expect_line_refused("{\"messages\": [{\"role\": \"user\"}]}", "1:1", "a turn has no \"content\"");
  expect_line_refused("{\"messages\": [{\"role\": \"tool\", \"content\": \"a\"}]}", "1:1",
                      "the role \"tool\" is unknown");
  expect_line_refused("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}", "1:1", "no turn of the assistant");
  expect_line_refused("{\"messages\": []}", "1:1", "no turn of the assistant");
  expect_line_refused("{\"conversations\": [{\"from\": \"gpt\", \"value\": \" \"}]}", "1:1",
                      "answer of the assistant is empty");
}

// A row that nests deeper than any stack is refused like any other.
TEST(JsonRows, DepthIsNoDanger) {
  const std::string deep = "{\"text\": " + std::string(1'000'000, '[') + "}";
  expect_error([&] { rows_of(deep, "JSON lines"); }, ErrorKind::kInvalidData, "no valid JSON");
  expect_error([&] { rows_of("[" + deep + "]", "JSON array"); }, ErrorKind::kInvalidData, "no valid JSON");
}

}  // namespace
}  // namespace patina::train
