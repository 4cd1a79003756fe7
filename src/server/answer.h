#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "server/completer.h"
#include "server/responder.h"

namespace patina::server {

// How an endpoint words an answer: as one JSON value, or as server-sent events.
class AnswerFormat {
 public:
  AnswerFormat() = default;
  AnswerFormat(const AnswerFormat&) = delete;
  AnswerFormat& operator=(const AnswerFormat&) = delete;
  virtual ~AnswerFormat() = default;

  virtual nlohmann::json whole(std::string_view text, const engine::Generation& generation) const = 0;
  virtual std::string opening_events() const = 0;  // before the first text; may be empty
  virtual std::string text_event(std::string_view text) const = 0;
  virtual std::string closing_events(const engine::Generation& generation) const = 0;
};

// Has `prompt` answered and sends the answer `to` the client, whole or piece by piece. Throws as Completer::start();
// answers with 503 when that takes no more requests.
std::unique_ptr<Job> answer(Completer& completer, engine::Prompt prompt, engine::GenerationParams params,
                            std::shared_ptr<const AnswerFormat> format, bool stream,
                            const std::shared_ptr<Responder>& to);

// {prompt_n, prompt_ms, prompt_per_second, predicted_n, predicted_ms, predicted_per_second, cache_n}
nlohmann::json timings_json(const engine::Generation& generation);

}  // namespace patina::server
