#include "server/json_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "server/generation_fields.h"

namespace patina::server {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string complaint(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    return error.what();
  }
  return "none";
}

std::string parse_complaint(const std::string& body) {
  return complaint([&] { (void)parse_object(body); });
}

TEST(ParseObject, TakesAnObjectOfAnyMembers) {
  EXPECT_EQ(parse_object(" {\"a\": [1, {\"b\": \"\\u8bb2\"}]} ")["a"][1]["b"], "讲");
  EXPECT_TRUE(parse_object("{}").empty());
}

TEST(ParseObject, SaysWhatIsWrong) {
  EXPECT_THAT(parse_complaint(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(parse_complaint("{\"a\": }"), HasSubstr("line 1, column 7"));
  EXPECT_THAT(parse_complaint("{\"a\": 1} x"), HasSubstr("not valid JSON"));
  EXPECT_THAT(parse_complaint("{\"a\": 1e999}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(parse_complaint("{\"a\": \"\\ud800\"}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(parse_complaint("[1]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(parse_complaint("{\"a\": \"\xE8\xAE\"}"), HasSubstr("not valid UTF-8 at byte 7"));
  EXPECT_THAT(parse_complaint("{\"a\": \"\xED\xA0\x80\"}"), HasSubstr("not valid UTF-8"));
}

TEST(ParseObject, BoundsTheDepth) {
  const auto nested = [](size_t depth) { return "{\"a\": " + std::string(depth, '[') + std::string(depth, ']') + "}"; };
  EXPECT_EQ(parse_complaint(nested(60)), "none");
  EXPECT_THAT(parse_complaint(nested(70)), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(parse_complaint("{\"a\": " + std::string(1'000'000, '[')), HasSubstr("nested more than 64 deep"));
}

TEST(GenerationParams, LengthsOfAnswersMayBeBeyond32Bits) {
  constexpr int64_t kLong = int64_t{1} << 32;
  GenerationDefaults defaults;
  defaults.params.max_tokens = kLong;
  const json nothing = json::object();
  EXPECT_EQ(read_generation_params(Fields(nothing), defaults).max_tokens, kLong);
  const json given = {{"max_tokens", kLong + 1}};
  EXPECT_EQ(read_generation_params(Fields(given), defaults).max_tokens, kLong + 1);
}

TEST(Fields, AbsentAndNullMembersHaveTheirDefaults) {
  const json object = {{"n", nullptr}};
  const Fields fields(object);
  EXPECT_FALSE(fields.has("n"));
  EXPECT_EQ(fields.integer("n", 7, 0, 10), 7);
  EXPECT_EQ(fields.number("x", 0.5, 0, 1), 0.5);
  EXPECT_TRUE(fields.boolean("b", true));
  EXPECT_THAT(fields.texts("s", 3), IsEmpty());
  EXPECT_EQ(fields.object("o").integer("n", 3, 0, 10), 3);
  EXPECT_THAT(complaint([&] { (void)fields.text("t"); }), HasSubstr("\"t\" is missing"));
}

TEST(Fields, ReadsEachType) {
  const json object = {{"i", 3}, {"f", 2.0}, {"x", -0.25}, {"b", false}, {"t", "text"}, {"s", {"a", "", "b"}}};
  const Fields fields(object);
  EXPECT_EQ(fields.integer("i", 0, 0, 10), 3);
  EXPECT_EQ(fields.integer("f", 0, 0, 10), 2);
  EXPECT_EQ(fields.number("i", 0, 0, 10), 3);
  EXPECT_EQ(fields.number("x", 0, -1, 1), -0.25);
  EXPECT_FALSE(fields.boolean("b", true));
  EXPECT_EQ(fields.text("t"), "text");
  EXPECT_THAT(fields.texts("s", 3), ElementsAre("a", "b"));
  EXPECT_THAT(fields.texts("t", 3), ElementsAre("text"));
}

TEST(Fields, NamesTheFieldOfAnotherTypeOrOutOfRange) {
  const json object = {{"t", "text"}, {"i", 11}, {"x", 1.5}, {"big", UINT64_MAX}, {"huge", 1e300}, {"a", {1, 2}}};
  const Fields fields(object, "here.");
  EXPECT_THAT(complaint([&] { (void)fields.integer("t", 0, 0, 10); }),
              "\"here.t\" must be a whole number from 0 to 10");
  EXPECT_THAT(complaint([&] { (void)fields.integer("i", 0, 0, 10); }), HasSubstr("here.i"));
  EXPECT_THAT(complaint([&] { (void)fields.integer("x", 0, 0, 10); }), HasSubstr("here.x"));
  EXPECT_THAT(complaint([&] { (void)fields.integer("big", 0, -1, INT64_MAX); }), HasSubstr("here.big"));
  EXPECT_THAT(complaint([&] { (void)fields.integer("huge", 0, -1, INT64_MAX); }), HasSubstr("here.huge"));
  EXPECT_THAT(complaint([&] { (void)fields.number("i", 0, 0, 10); }), "\"here.i\" must be a number from 0 to 10");
  EXPECT_THAT(complaint([&] { (void)fields.number("t", 0, 0, 10); }), HasSubstr("here.t"));
  EXPECT_THAT(complaint([&] { (void)fields.boolean("i", false); }), "\"here.i\" must be true or false");
  EXPECT_THAT(complaint([&] { (void)fields.text("i"); }), "\"here.i\" must be a string");
  EXPECT_THAT(complaint([&] { (void)fields.texts("a", 3); }), HasSubstr("array of at most 3 strings"));
  EXPECT_THAT(complaint([&] { (void)fields.array("a", 1); }), HasSubstr("array of at most 1 elements"));
  EXPECT_THAT(complaint([&] { (void)fields.object("a"); }), "\"here.a\" must be an object");
}

}  // namespace
}  // namespace patina::server
