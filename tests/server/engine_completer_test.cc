#include "server/engine_completer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "engine/tiny_model.h"
#include "server/api.h"
#include "server/http_client.h"
#include "server/http_server.h"

namespace patina::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

CompleterOptions two_slots() {
  CompleterOptions options;
  options.scheduler = {.slots = 2, .max_queued = 8};
  options.defaults.params = engine::greedy(20);
  return options;
}

// A server on a real, if tiny, model.
class EngineCompleterTest : public testing::Test {
 protected:
  ~EngineCompleterTest() override { server_.abort(); }

  static ServerOptions any_port() {
    ServerOptions options;
    options.port = 0;
    return options;
  }
  json complete(HttpClient& client, const json& request) {
    client.post("/completion", request.dump());
    const std::string response = client.read_response();
    return json::parse(response.substr(response.find("\r\n\r\n")));
  }

  engine::TinyModel model_;
  std::unique_ptr<engine::Runtime> runtime_ = model_.open();
  EngineCompleter completer_{*runtime_, two_slots()};
  Router router_ = make_router(completer_);
  HttpServer server_{any_port(), router_};
  std::jthread thread_{[this] { server_.run(); }};
};

TEST_F(EngineCompleterTest, AnswersAsTheEngineDoes) {
  HttpClient client(server_.port());
  const json answer = complete(client, {{"prompt", "hello"}});
  EXPECT_EQ(answer["content"], engine::answer(*runtime_, "hello", engine::greedy(20)).text);
  EXPECT_EQ(answer["tokens_predicted"], 20);
  EXPECT_EQ(answer["tokens_evaluated"], 6);  // with BOS
  EXPECT_EQ(answer["stop_type"], "limit");
}

TEST_F(EngineCompleterTest, TellsHowManyTokensWereGuessedRight) {
  const std::string prompt = "hellohellohellohellohellohellohellohello";
  const engine::Generation alone = engine::answer(*runtime_, prompt, engine::greedy(400)).generation;
  ASSERT_GT(alone.accepted_tokens, 0);
  HttpClient client(server_.port());
  const json timings = complete(client, {{"prompt", prompt}, {"n_predict", 400}})["timings"];
  EXPECT_EQ(timings["draft_n"], alone.proposed_tokens);
  EXPECT_EQ(timings["draft_n_accepted"], alone.accepted_tokens);
  EXPECT_EQ(complete(client, {{"prompt", "a"}, {"n_predict", 1}})["timings"]["draft_n"], 0);
}

TEST_F(EngineCompleterTest, TellsTheModel) {
  HttpClient client(server_.port());
  client.get("/props");
  const std::string props = client.read_response();
  EXPECT_THAT(props, HasSubstr("\"model\":\"tiny\""));
  EXPECT_THAT(props, HasSubstr("\"n_ctx\":1024"));
}

TEST_F(EngineCompleterTest, RefusesPromptsThatDoNotFit) {
  HttpClient client(server_.port());
  for (const size_t size : {1024, 100'000}) {
    const json answer = complete(client, {{"prompt", std::string(size, 'a')}});
    EXPECT_EQ(answer["error"]["code"], 400);
    EXPECT_THAT(std::string(answer["error"]["message"]), HasSubstr("context"));
  }
}

TEST_F(EngineCompleterTest, TheSecondStreamBeginsBeforeTheFirstEnds) {
  HttpClient first(server_.port());
  first.post("/completion", R"({"prompt": "a", "n_predict": 900, "stream": true})");
  (void)first.read_until("\n\n");
  HttpClient second(server_.port());
  EXPECT_EQ(complete(second, {{"prompt", "b"}})["tokens_predicted"], 20);
  first.close();
}

TEST_F(EngineCompleterTest, HangingUpFreesTheSlots) {
  for (int i = 0; i < 10; ++i) {
    HttpClient client(server_.port());
    client.post("/completion", R"({"prompt": "a", "n_predict": -1, "stream": true})");
    (void)client.read_until("\n\n");
  }
  HttpClient client(server_.port());
  EXPECT_EQ(complete(client, {{"prompt", "b"}})["tokens_predicted"], 20);
}

TEST_F(EngineCompleterTest, TokensComeBackAsText) {
  const std::vector<engine::TokenId> tokens = completer_.tokenize("讲abc", true, true);
  EXPECT_EQ(completer_.detokenize(tokens), "讲abc");
  EXPECT_THROW((void)completer_.detokenize({1'000'000}), Error);
}

}  // namespace
}  // namespace patina::server
