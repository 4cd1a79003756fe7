// The bodies of requests: whatever bytes come in, each endpoint answers once, with JSON and a status that suits it.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "server/api.h"

namespace {

using patina::server::HttpResponse;

void require(bool holds) {
  if (!holds) std::abort();
}

class DoneJob final : public patina::server::Job {};

// Answers at once, with a text that holds the prompt.
class EchoCompleter final : public patina::server::Completer {
 public:
  const patina::server::ServedModel& model() const override { return model_; }
  patina::engine::Prompt prompt(std::string_view text, bool /*raw*/) const override {
    return {.text = std::string(text), .tokens = {text.begin(), text.end()}, .stops = {}};
  }
  patina::engine::Prompt chat_prompt(std::span<const patina::tokenizer::ChatMessage> messages) const override {
    return prompt(messages.back().content, true);
  }
  std::unique_ptr<patina::server::Job> start(patina::engine::Request request) override {
    require(request.params.max_tokens >= -1 && request.params.sampling.temperature >= 0);
    request.on_text(std::string(request.tokens.begin(), request.tokens.end()));
    patina::engine::Outcome outcome;
    outcome.generation.reason = patina::engine::StopReason::kEndOfText;
    request.on_done(outcome);
    return std::make_unique<DoneJob>();
  }
  std::vector<patina::engine::TokenId> tokenize(std::string_view text, bool /*add_special*/,
                                                bool /*parse_special*/) const override {
    return {text.begin(), text.end()};
  }
  std::string detokenize(const std::vector<patina::engine::TokenId>& tokens) const override {
    return {tokens.begin(), tokens.end()};
  }

 private:
  patina::server::ServedModel model_;
};

class Checker final : public patina::server::Responder {
 public:
  void respond(HttpResponse response) override {
    require(response.status == 200 || response.status == 400);
    require(nlohmann::json::parse(response.body).contains("error") == (response.status == 400));
    ++endings_;
  }
  void stream(std::string events) override { require(events.starts_with("data: ") && events.ends_with("\n\n")); }
  void end_stream() override { ++endings_; }
  void check() const { require(endings_ == 1); }

 private:
  int endings_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static EchoCompleter completer;
  static const patina::server::Router router = patina::server::make_router(completer);
  const std::string body(reinterpret_cast<const char*>(data), size);
  for (const char* path : {"/completion", "/v1/chat/completions", "/tokenize", "/detokenize"}) {
    const auto checker = std::make_shared<Checker>();
    // The job, if any, is done.
    (void)router.handle({.method = "POST", .path = path, .body = body}, checker);
    checker->check();
  }
  return 0;
}
