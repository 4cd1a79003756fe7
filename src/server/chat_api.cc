#include "server/chat_api.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>
#include <vector>

#include "base/error.h"
#include "server/answer.h"
#include "server/generation_fields.h"
#include "server/json_fields.h"
#include "server/json_text.h"

namespace patina::server {
namespace {

using nlohmann::json;

constexpr size_t kMaxMessages = 10'000;

std::string new_id() {
  std::random_device random;
  return fmt::format("chatcmpl-{:08x}{:08x}{:08x}", random(), random(), random());
}

int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string_view finish_reason(engine::StopReason reason) {
  const bool ended = reason == engine::StopReason::kEndOfText || reason == engine::StopReason::kStopText;
  return ended ? "stop" : "length";
}

json usage_json(const engine::Generation& generation) {
  return {{"prompt_tokens", generation.prompt_tokens},
          {"completion_tokens", generation.generated_tokens},
          {"total_tokens", generation.prompt_tokens + generation.generated_tokens},
          {"prompt_tokens_details", {{"cached_tokens", generation.cached_tokens}}}};
}

class ChatFormat final : public AnswerFormat {
 public:
  ChatFormat(std::string model, bool with_usage)
      : id_(new_id()), created_(unix_seconds()), model_(std::move(model)), with_usage_(with_usage) {}

  json whole(std::string_view text, const engine::Generation& generation) const override {
    json result = head("chat.completion");
    result["choices"] = json::array({{{"index", 0},
                                      {"message", {{"role", "assistant"}, {"content", text}}},
                                      {"finish_reason", finish_reason(generation.reason)}}});
    result["usage"] = usage_json(generation);
    result["timings"] = timings_json(generation);
    return result;
  }

  std::string opening_events() const override {
    return json_event(chunk({{"role", "assistant"}, {"content", ""}}, nullptr));
  }

  std::string text_event(std::string_view text) const override {
    return json_event(chunk({{"content", text}}, nullptr));
  }

  std::string closing_events(const engine::Generation& generation) const override {
    json last = chunk(json::object(), finish_reason(generation.reason));
    last["timings"] = timings_json(generation);
    std::string events = json_event(last);
    if (with_usage_) {
      json usage = head("chat.completion.chunk");
      usage["choices"] = json::array();
      usage["usage"] = usage_json(generation);
      events += json_event(usage);
    }
    return events + "data: [DONE]\n\n";
  }

 private:
  json head(std::string_view object) const {
    return {{"id", id_}, {"object", object}, {"created", created_}, {"model", model_}};
  }

  json chunk(json delta, json reason) const {
    json result = head("chat.completion.chunk");
    result["choices"] =
        json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}}});
    return result;
  }

  std::string id_;
  int64_t created_;
  std::string model_;
  bool with_usage_;
};

// A string, or an array of {"type": "text", "text": ...}, which are joined.
std::string read_content(const Fields& message, const std::string& path) {
  const json* content = message.find("content");
  if (content == nullptr || !content->is_array()) return message.text("content");
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    const json& part = (*content)[i];
    const std::string where = fmt::format("content[{}]", i);
    if (!part.is_object()) message.refuse(where, "an object");
    const Fields fields(part, fmt::format("{}{}.", path, where));
    if (fields.text("type") != "text") fields.refuse("type", "\"text\"; this server reads no other kind");
    text += fields.text("text");
  }
  return text;
}

std::vector<tokenizer::ChatMessage> read_messages(const Fields& fields) {
  const json& messages = fields.array("messages", kMaxMessages);
  if (messages.empty()) fields.refuse("messages", "an array with at least one message");
  std::vector<tokenizer::ChatMessage> result;
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string where = fmt::format("messages[{}]", i);
    if (!messages[i].is_object()) fields.refuse(where, "an object");
    const Fields message(messages[i], where + ".");
    std::string role = message.text("role");
    if (role == "developer") role = "system";
    if (role != "system" && role != "user" && role != "assistant") {
      message.refuse("role", "\"system\", \"user\" or \"assistant\"");
    }
    result.push_back({std::move(role), read_content(message, where + ".")});
  }
  return result;
}

}  // namespace

std::unique_ptr<Job> handle_chat(Completer& completer, const HttpRequest& request,
                                 const std::shared_ptr<Responder>& to) {
  const json body = parse_object(request.body);
  const Fields fields(body);
  const std::vector<tokenizer::ChatMessage> messages = read_messages(fields);
  (void)fields.integer("n", 1, 1, 1);
  const bool stream = fields.boolean("stream", false);
  const bool with_usage = fields.object("stream_options").boolean("include_usage", false);
  engine::GenerationParams params = read_generation_params(fields, completer.model().defaults);
  auto format = std::make_shared<ChatFormat>(completer.model().name, with_usage);
  return answer(completer, completer.chat_prompt(messages), std::move(params), std::move(format), stream, to);
}

}  // namespace patina::server
