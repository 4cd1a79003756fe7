#include "server/answer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/error_response.h"
#include "server/json_text.h"

namespace patina::server {
namespace {

// Collects or passes on one answer. Lives in the callbacks of the request.
class AnswerWriter {
 public:
  AnswerWriter(std::shared_ptr<const AnswerFormat> format, bool stream, std::shared_ptr<Responder> to)
      : format_(std::move(format)), to_(std::move(to)), stream_(stream) {}

  void on_text(std::string_view text) {
    if (text.empty()) return;
    if (stream_) {
      send(format_->text_event(text));
    } else {
      text_ += text;
    }
  }

  void on_done(const engine::Outcome& outcome) {
    if (outcome.error) {
      fail_with(*outcome.error);
    } else if (outcome.generation.reason == engine::StopReason::kCancelled) {
      fail_with(Error(ErrorKind::kInterrupted, "the server stopped before the answer was complete"));
    } else if (stream_) {
      send(format_->closing_events(outcome.generation));
      to_->end_stream();
    } else {
      to_->respond(json_response(format_->whole(text_, outcome.generation)));
    }
  }

 private:
  void send(std::string events) {
    if (!std::exchange(begun_, true)) events.insert(0, format_->opening_events());
    to_->stream(std::move(events));
  }

  // The status can only be told before the stream has begun.
  void fail_with(const Error& error) {
    if (begun_) {
      to_->stream(json_event(error_json(status_of(error.kind()), error.what())));
      to_->end_stream();
    } else {
      to_->respond(error_response(error));
    }
  }

  std::shared_ptr<const AnswerFormat> format_;
  std::shared_ptr<Responder> to_;
  bool stream_;
  bool begun_ = false;
  std::string text_;
};

double per_second(int64_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }

}  // namespace

std::unique_ptr<Job> answer(Completer& completer, engine::Prompt prompt, engine::GenerationParams params,
                            std::shared_ptr<const AnswerFormat> format, bool stream,
                            const std::shared_ptr<Responder>& to) {
  const auto writer = std::make_shared<AnswerWriter>(std::move(format), stream, to);
  engine::Request request;
  request.tokens = std::move(prompt.tokens);
  request.params = std::move(params);
  for (std::string& stop : prompt.stops) request.params.stops.push_back(std::move(stop));
  request.on_text = [writer](std::string_view text) { writer->on_text(text); };
  request.on_done = [writer](const engine::Outcome& outcome) { writer->on_done(outcome); };
  std::unique_ptr<Job> job = completer.start(std::move(request));
  if (!job) to->respond(error_response(503, "too many requests are waiting; try again in a moment"));
  return job;
}

nlohmann::json timings_json(const engine::Generation& generation) {
  const int64_t read = generation.prompt_tokens - generation.cached_tokens;
  return {{"prompt_n", read},
          {"prompt_ms", generation.prompt_seconds * 1e3},
          {"prompt_per_second", per_second(read, generation.prompt_seconds)},
          {"predicted_n", generation.generated_tokens},
          {"predicted_ms", generation.generation_seconds * 1e3},
          {"predicted_per_second", per_second(generation.generated_tokens, generation.generation_seconds)},
          {"cache_n", generation.cached_tokens},
          {"draft_n", generation.proposed_tokens},
          {"draft_n_accepted", generation.accepted_tokens}};
}

}  // namespace patina::server
