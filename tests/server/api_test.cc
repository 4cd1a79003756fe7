#include "server/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/fake_completer.h"
#include "server/recorder.h"

namespace patina::server {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class ApiTest : public testing::Test {
 protected:
  Exchange get(const std::string& path) { return Exchange(router_, "GET", path); }
  Exchange post(const std::string& path, const json& body) { return Exchange(router_, "POST", path, body.dump()); }
  // The message that refuses a completion with this member.
  std::string complaint(const std::string& name, const json& value) {
    json body = {{"prompt", "p"}};
    body[name] = value;
    const Exchange exchange = post("/completion", body);
    EXPECT_EQ(exchange->response.status, 400) << name << " " << value;
    EXPECT_EQ(exchange->endings, 1);
    return exchange->response.status == 400 ? exchange->message() : "none";
  }

  FakeCompleter completer_;
  Router router_ = make_router(completer_);
};

TEST_F(ApiTest, Health) {
  EXPECT_EQ(get("/health")->json(), json({{"status", "ok"}}));
  EXPECT_EQ(get("/v1/health")->json(), json({{"status", "ok"}}));
}

TEST_F(ApiTest, PropsTellTheModelAndTheDefaults) {
  const json props = get("/props")->json();
  EXPECT_EQ(props["model"], "fake");
  EXPECT_EQ(props["model_path"], "fake.gguf");
  EXPECT_EQ(props["total_slots"], 4);
  EXPECT_EQ(props["n_ctx"], 100);
  EXPECT_EQ(props["default_generation_settings"]["n_ctx"], 100);
  EXPECT_EQ(props["default_generation_settings"]["params"]["top_k"], 40);
  EXPECT_EQ(props["default_generation_settings"]["params"]["seed"], -1);
  EXPECT_EQ(props["prompt_template"], json({{"enabled", false}, {"name", ""}}));
  EXPECT_EQ(props["adapters"], json::array());
}

TEST_F(ApiTest, ModelsListTheOneModel) {
  const json models = get("/v1/models")->json();
  EXPECT_EQ(models["object"], "list");
  ASSERT_EQ(models["data"].size(), 1);
  EXPECT_EQ(models["data"][0]["id"], "fake");
  EXPECT_EQ(models["data"][0]["meta"]["n_ctx"], 100);
  EXPECT_EQ(get("/models")->json(), models);
}

TEST_F(ApiTest, CompletionAnswersWhole) {
  const Exchange exchange = post("/completion", {{"prompt", "讲一个笑话。"}, {"temperature", 0.7}, {"n_predict", 128}});
  EXPECT_EQ(completer_.prompt_text(0), "<讲一个笑话。>");
  completer_.say(0, "为什么");
  completer_.say(0, "");
  completer_.say(0, "鱼不说话？");
  EXPECT_EQ(exchange->endings, 0);
  completer_.finish(0);
  EXPECT_EQ(exchange->endings, 1);
  const json answer = exchange->json();
  EXPECT_EQ(answer["content"], "为什么鱼不说话？");
  EXPECT_EQ(answer["stop"], true);
  EXPECT_EQ(answer["stop_type"], "eos");
  EXPECT_EQ(answer["stopping_word"], "");
  EXPECT_EQ(answer["tokens_predicted"], 3);
  EXPECT_EQ(answer["tokens_evaluated"], 5);
  EXPECT_EQ(answer["truncated"], false);
  EXPECT_EQ(answer["model"], "fake");
  EXPECT_EQ(answer["generation_settings"]["n_predict"], 128);
  EXPECT_EQ(answer["generation_settings"]["temperature"].dump(), "0.7");
  const json& timings = answer["timings"];
  EXPECT_EQ(timings["prompt_n"], 4);
  EXPECT_EQ(timings["prompt_ms"], 500);
  EXPECT_EQ(timings["prompt_per_second"], 8);
  EXPECT_EQ(timings["predicted_n"], 3);
  EXPECT_EQ(timings["predicted_ms"], 250);
  EXPECT_EQ(timings["predicted_per_second"], 12);
}

TEST_F(ApiTest, CompletionPassesEveryFieldOn) {
  const Exchange exchange = post("/completions", {{"prompt", "p"},
                                                  {"temperature", 0},
                                                  {"max_tokens", 9},
                                                  {"top_k", 1},
                                                  {"top_p", 0.5},
                                                  {"min_p", 0.25},
                                                  {"repeat_penalty", 1.5},
                                                  {"repeat_last_n", -1},
                                                  {"presence_penalty", 0.125},
                                                  {"frequency_penalty", -0.5},
                                                  {"seed", 42},
                                                  {"stop", {"a", "b"}},
                                                  {"ignore_eos", true},
                                                  {"raw", true},
                                                  {"cache_prompt", "a field that nobody knows"}});
  const engine::GenerationParams params = completer_.params(0);
  EXPECT_EQ(params.sampling.temperature, 0);
  EXPECT_EQ(params.sampling.top_k, 1);
  EXPECT_EQ(params.sampling.top_p, 0.5F);
  EXPECT_EQ(params.sampling.min_p, 0.25F);
  EXPECT_EQ(params.sampling.repeat_penalty, 1.5F);
  EXPECT_EQ(params.sampling.repeat_last_n, -1);
  EXPECT_EQ(params.sampling.presence_penalty, 0.125F);
  EXPECT_EQ(params.sampling.frequency_penalty, -0.5F);
  EXPECT_EQ(params.sampling.seed, 42);
  EXPECT_EQ(params.max_tokens, 9);
  EXPECT_TRUE(params.ignore_eos);
  EXPECT_THAT(params.stops, ElementsAre("a", "b"));
  EXPECT_EQ(completer_.prompt_text(0), "p");
}

TEST_F(ApiTest, TheTemplatesStopsAreAddedToTheRequests) {
  const Exchange exchange = post("/completion", {{"prompt", "p"}, {"stop", "x"}});
  EXPECT_THAT(completer_.params(0).stops, ElementsAre("x", "<"));
}

TEST_F(ApiTest, SeedsDifferWhereNoneIsGiven) {
  const Exchange first = post("/completion", {{"prompt", "p"}});
  const Exchange second = post("/completion", {{"prompt", "p"}, {"seed", -1}});
  EXPECT_NE(completer_.params(0).sampling.seed, completer_.params(1).sampling.seed);
}

TEST_F(ApiTest, CompletionSaysWhyItStopped) {
  const std::pair<engine::StopReason, json> cases[] = {
      {engine::StopReason::kLength, {{"stop_type", "limit"}, {"stopping_word", ""}, {"truncated", false}}},
      {engine::StopReason::kContextFull, {{"stop_type", "limit"}, {"stopping_word", ""}, {"truncated", true}}},
      {engine::StopReason::kStopText, {{"stop_type", "word"}, {"stopping_word", "###"}, {"truncated", false}}}};
  size_t request = 0;
  for (const auto& [reason, expected] : cases) {
    const Exchange exchange = post("/completion", {{"prompt", "p"}});
    completer_.finish(request++, reason);
    const json answer = exchange->json();
    for (const auto& [name, value] : expected.items()) EXPECT_EQ(answer[name], value) << name;
  }
}

TEST_F(ApiTest, CompletionStreams) {
  const Exchange exchange = post("/completion", {{"prompt", "p"}, {"stream", true}});
  completer_.say(0, "讲");
  EXPECT_EQ(exchange->events, "data: {\"content\":\"讲\",\"index\":0,\"stop\":false}\n\n");
  completer_.say(0, "。");
  completer_.finish(0);
  EXPECT_EQ(exchange->endings, 1);
  const std::vector<json> events = exchange->event_values();
  ASSERT_EQ(events.size(), 3);
  EXPECT_EQ(events[1]["content"], "。");
  EXPECT_EQ(events[2]["content"], "");
  EXPECT_EQ(events[2]["stop"], true);
  EXPECT_EQ(events[2]["timings"]["predicted_n"], 3);
}

TEST_F(ApiTest, CompletionNamesTheFieldItRefuses) {
  EXPECT_THAT(complaint("prompt", 3), HasSubstr("\"prompt\" must be a string"));
  EXPECT_THAT(complaint("prompt", nullptr), HasSubstr("\"prompt\" is missing"));
  EXPECT_THAT(complaint("temperature", "hot"), HasSubstr("temperature"));
  EXPECT_THAT(complaint("temperature", -1), HasSubstr("temperature"));
  EXPECT_THAT(complaint("n_predict", -2), HasSubstr("n_predict"));
  EXPECT_THAT(complaint("n_predict", 1.5), HasSubstr("n_predict"));
  EXPECT_THAT(complaint("max_tokens", "many"), HasSubstr("max_tokens"));
  EXPECT_THAT(complaint("top_k", 1e20), HasSubstr("top_k"));
  EXPECT_THAT(complaint("top_p", 1.5), HasSubstr("top_p"));
  EXPECT_THAT(complaint("min_p", true), HasSubstr("min_p"));
  EXPECT_THAT(complaint("repeat_penalty", 0), HasSubstr("repeat_penalty"));
  EXPECT_THAT(complaint("repeat_last_n", -2), HasSubstr("repeat_last_n"));
  EXPECT_THAT(complaint("presence_penalty", json::array()), HasSubstr("presence_penalty"));
  EXPECT_THAT(complaint("frequency_penalty", 1000), HasSubstr("frequency_penalty"));
  EXPECT_THAT(complaint("seed", -2), HasSubstr("seed"));
  EXPECT_THAT(complaint("stop", {1, 2}), HasSubstr("stop"));
  EXPECT_THAT(complaint("stop", json(std::vector<std::string>(100, "x"))), HasSubstr("stop"));
  EXPECT_THAT(complaint("stream", "yes"), HasSubstr("stream"));
  EXPECT_THAT(complaint("raw", 1), HasSubstr("raw"));
  EXPECT_THAT(complaint("ignore_eos", 1), HasSubstr("ignore_eos"));
  EXPECT_THAT(complaint("prompt", std::string(200, 'x')), HasSubstr("longer than the context"));
}

TEST_F(ApiTest, MalformedBodiesAreRefused) {
  for (const char* body : {"", "{", "[]", "{\"prompt\": \"\xFF\"}"}) {
    const Exchange exchange(router_, "POST", "/completion", body);
    EXPECT_EQ(exchange->response.status, 400);
    EXPECT_EQ(exchange->json()["error"]["type"], "invalid_request_error");
  }
}

TEST_F(ApiTest, AFullQueueAsksToComeBack) {
  completer_.max_requests = 0;
  const Exchange exchange = post("/completion", {{"prompt", "p"}});
  EXPECT_EQ(exchange->response.status, 503);
  EXPECT_EQ(exchange->json()["error"]["type"], "unavailable_error");
  EXPECT_THAT(exchange->response.headers, Contains(Pair("Retry-After", "1")));
}

TEST_F(ApiTest, ErrorsOfTheEngineHaveAStatusBeforeTheStreamBeginsAndAnEventAfter) {
  const Exchange early = post("/completion", {{"prompt", "p"}, {"stream", true}});
  completer_.fail_request(0, Error(ErrorKind::kOutOfMemory, "no memory"));
  EXPECT_EQ(early->response.status, 503);
  EXPECT_THAT(early->events, IsEmpty());

  const Exchange late = post("/completion", {{"prompt", "p"}, {"stream", true}});
  completer_.say(1, "x");
  completer_.fail_request(1, Error(ErrorKind::kOutOfMemory, "no memory"));
  EXPECT_EQ(late->event_values().back()["error"]["message"], "no memory");
  EXPECT_EQ(late->endings, 1);
}

TEST_F(ApiTest, AnAnswerThatTheServerCutsOffIsNoAnswer) {
  const Exchange exchange = post("/completion", {{"prompt", "p"}});
  completer_.finish(0, engine::StopReason::kCancelled);
  EXPECT_EQ(exchange->response.status, 503);
}

TEST_F(ApiTest, Tokenizes) {
  EXPECT_EQ(post("/tokenize", {{"content", "ab"}})->json()["tokens"], json({97, 98}));
  EXPECT_EQ(post("/tokenize", {{"content", "ab"}, {"add_special", true}})->json()["tokens"], json({1, 97, 98}));
  EXPECT_EQ(post("/detokenize", {{"tokens", {97, 98}}})->json()["content"], "ab");
  for (const json& tokens : {json("ab"), json({-1}), json({1e10}), json({"a"}), json({200}), json({UINT64_MAX})}) {
    EXPECT_EQ(post("/detokenize", {{"tokens", tokens}})->response.status, 400) << tokens;
  }
}

}  // namespace
}  // namespace patina::server
