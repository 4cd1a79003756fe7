#include "server/completion_api.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/answer.h"
#include "server/generation_fields.h"
#include "server/json_fields.h"
#include "server/json_text.h"

namespace patina::server {
namespace {

using nlohmann::json;

std::string_view stop_type(engine::StopReason reason) {
  switch (reason) {
    case engine::StopReason::kEndOfText:
      return "eos";
    case engine::StopReason::kStopText:
      return "word";
    default:
      return "limit";
  }
}

class CompletionFormat final : public AnswerFormat {
 public:
  CompletionFormat(std::string model, json settings) : model_(std::move(model)), settings_(std::move(settings)) {}

  json whole(std::string_view text, const engine::Generation& generation) const override {
    return {{"content", text},
            {"stop", true},
            {"stop_type", stop_type(generation.reason)},
            {"stopping_word", generation.stop_text},
            {"tokens_predicted", generation.generated_tokens},
            {"tokens_evaluated", generation.prompt_tokens},
            {"tokens_cached", generation.cached_tokens},
            {"truncated", generation.reason == engine::StopReason::kContextFull},
            {"model", model_},
            {"generation_settings", settings_},
            {"timings", timings_json(generation)},
            {"index", 0}};
  }

  std::string opening_events() const override { return ""; }

  std::string text_event(std::string_view text) const override {
    return json_event({{"content", text}, {"stop", false}, {"index", 0}});
  }

  std::string closing_events(const engine::Generation& generation) const override {
    return json_event(whole("", generation));
  }

 private:
  std::string model_;
  json settings_;
};

}  // namespace

std::unique_ptr<Job> handle_completion(Completer& completer, const HttpRequest& request,
                                       const std::shared_ptr<Responder>& to) {
  const json body = parse_object(request.body);
  const Fields fields(body);
  const std::string text = fields.text("prompt");
  const bool raw = fields.boolean("raw", false);
  const bool stream = fields.boolean("stream", false);
  engine::GenerationParams params = read_generation_params(fields, completer.model().defaults);
  auto format = std::make_shared<CompletionFormat>(completer.model().name, generation_params_json(params));
  return answer(completer, completer.prompt(text, raw), std::move(params), std::move(format), stream, to);
}

}  // namespace patina::server
