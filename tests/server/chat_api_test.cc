#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api.h"
#include "server/fake_completer.h"
#include "server/recorder.h"

namespace patina::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

json message(const std::string& role, const json& content) { return {{"role", role}, {"content", content}}; }

class ChatApiTest : public testing::Test {
 protected:
  Exchange chat(const json& body) { return Exchange(router_, "POST", "/v1/chat/completions", body.dump()); }
  std::string complaint(const json& messages) {
    const Exchange exchange = chat({{"messages", messages}});
    EXPECT_EQ(exchange->response.status, 400) << messages;
    return exchange->response.status == 400 ? exchange->message() : "none";
  }

  FakeCompleter completer_;
  Router router_ = make_router(completer_);
};

TEST_F(ChatApiTest, AnswersWhole) {
  const Exchange exchange = chat({{"messages", {message("system", "s"), message("user", "u")}},
                                  {"max_tokens", 7},
                                  {"temperature", 0.5},
                                  {"model", "whatever"}});
  EXPECT_EQ(completer_.prompt_text(0), "system:s;user:u;");
  EXPECT_EQ(completer_.params(0).max_tokens, 7);
  EXPECT_EQ(completer_.params(0).sampling.temperature, 0.5F);
  completer_.say(0, "an answer");
  completer_.finish(0);
  const json answer = exchange->json();
  EXPECT_THAT(answer["id"], StartsWith("chatcmpl-"));
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_GT(answer["created"], 1'500'000'000);
  EXPECT_EQ(answer["model"], "fake");
  const json choice = {{"index", 0}, {"message", message("assistant", "an answer")}, {"finish_reason", "stop"}};
  EXPECT_EQ(answer["choices"], json::array({choice}));
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 5);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 3);
  EXPECT_EQ(answer["usage"]["total_tokens"], 8);
}

TEST_F(ChatApiTest, SaysWhenALimitEndedTheAnswer) {
  const Exchange exchange = chat({{"messages", {message("user", "u")}}});
  completer_.finish(0, engine::StopReason::kLength);
  EXPECT_EQ(exchange->json()["choices"][0]["finish_reason"], "length");
}

TEST_F(ChatApiTest, StreamsChunksAndDone) {
  const Exchange exchange = chat({{"messages", {message("user", "u")}}, {"stream", true}});
  completer_.say(0, "a");
  completer_.say(0, "b");
  completer_.finish(0, engine::StopReason::kStopText);
  const std::vector<json> events = exchange->event_values();
  ASSERT_EQ(events.size(), 5);
  EXPECT_EQ(events[0]["object"], "chat.completion.chunk");
  EXPECT_EQ(events[0]["choices"][0]["delta"], json({{"role", "assistant"}, {"content", ""}}));
  EXPECT_EQ(events[0]["choices"][0]["finish_reason"], nullptr);
  EXPECT_EQ(events[1]["choices"][0]["delta"], json({{"content", "a"}}));
  EXPECT_EQ(events[2]["choices"][0]["delta"], json({{"content", "b"}}));
  EXPECT_EQ(events[3]["choices"][0]["delta"], json::object());
  EXPECT_EQ(events[3]["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(events[3]["id"], events[0]["id"]);
  EXPECT_EQ(events[4], "[DONE]");
}

TEST_F(ChatApiTest, AnEmptyStreamedAnswerHasItsRoleToo) {
  const Exchange exchange = chat({{"messages", {message("user", "u")}}, {"stream", true}});
  completer_.finish(0);
  EXPECT_EQ(exchange->event_values()[0]["choices"][0]["delta"]["role"], "assistant");
}

TEST_F(ChatApiTest, StreamsUsageWhereAsked) {
  const Exchange exchange =
      chat({{"messages", {message("user", "u")}}, {"stream", true}, {"stream_options", {{"include_usage", true}}}});
  completer_.finish(0);
  const std::vector<json> events = exchange->event_values();
  ASSERT_EQ(events.size(), 4);
  EXPECT_EQ(events[2]["choices"], json::array());
  EXPECT_EQ(events[2]["usage"]["total_tokens"], 8);
}

TEST_F(ChatApiTest, JoinsTextParts) {
  const json parts = {{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}};
  const Exchange exchange = chat({{"messages", {message("developer", "d"), message("user", parts)}}});
  EXPECT_EQ(completer_.prompt_text(0), "system:d;user:ab;");
}

TEST_F(ChatApiTest, NamesWhatItRefuses) {
  const json image = {{"type", "image_url"}};
  EXPECT_THAT(complaint(nullptr), HasSubstr("\"messages\" is missing"));
  EXPECT_THAT(complaint("hello"), HasSubstr("messages"));
  EXPECT_THAT(complaint(json::array()), HasSubstr("at least one message"));
  EXPECT_THAT(complaint(json::array({1})), HasSubstr("\"messages[0]\" must be an object"));
  EXPECT_THAT(complaint(json::array({message("tool", "x")})), HasSubstr("messages[0].role"));
  EXPECT_THAT(complaint({message("user", "x"), message("assistant", nullptr)}), HasSubstr("messages[1].content"));
  EXPECT_THAT(complaint(json::array({message("user", json::array({image}))})),
              HasSubstr("messages[0].content[0].type"));
  EXPECT_THAT(complaint(json::array({message("user", json::array({3}))})), HasSubstr("messages[0].content[0]"));
  EXPECT_EQ(chat({{"messages", {message("user", "u")}}, {"n", 2}})->response.status, 400);
  EXPECT_EQ(chat({{"messages", {message("user", "u")}}, {"stream_options", 1}})->response.status, 400);
}

}  // namespace
}  // namespace patina::server
