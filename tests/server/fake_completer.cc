#include "server/fake_completer.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/error.h"

namespace patina::server {

class FakeCompleter::FakeJob final : public Job {
 public:
  FakeJob(FakeCompleter& owner, Entry& entry) : owner_(owner), entry_(entry) {}
  ~FakeJob() override {
    const std::lock_guard lock(owner_.mutex_);
    entry_.cancelled = true;
    owner_.changed_.notify_all();
  }

 private:
  FakeCompleter& owner_;
  Entry& entry_;
};

FakeCompleter::FakeCompleter() {
  model_.name = "fake";
  model_.path = "fake.gguf";
  model_.architecture = "llama";
  model_.chat_format = "plain";
  model_.context = 100;
  model_.slots = 4;
}

engine::Prompt FakeCompleter::prompt(std::string_view text, bool raw) const {
  engine::Prompt prompt;
  prompt.text = raw ? std::string(text) : fmt::format("<{}>", text);
  prompt.tokens.assign(prompt.text.begin(), prompt.text.end());
  if (!raw) prompt.stops = {"<"};
  return prompt;
}

engine::Prompt FakeCompleter::chat_prompt(std::span<const tokenizer::ChatMessage> messages) const {
  std::string text;
  for (const tokenizer::ChatMessage& message : messages) text += message.role + ":" + message.content + ";";
  return prompt(text, true);
}

std::unique_ptr<Job> FakeCompleter::start(engine::Request request) {
  if (std::cmp_greater(request.tokens.size(), model_.context)) {
    fail(ErrorKind::kInvalidArgument, "the prompt is longer than the context");
  }
  std::unique_lock lock(mutex_);
  if (entries_.size() >= max_requests) return nullptr;
  Entry& entry = entries_.emplace_back();
  entry.request = std::move(request);
  changed_.notify_all();
  if (!instant_answer.empty()) {
    const size_t index = entries_.size() - 1;
    lock.unlock();
    say(index, instant_answer);
    finish(index);
  }
  return std::make_unique<FakeJob>(*this, entry);
}

std::vector<engine::TokenId> FakeCompleter::tokenize(std::string_view text, bool add_special,
                                                     bool /*parse_special*/) const {
  std::vector<engine::TokenId> tokens(text.begin(), text.end());
  if (add_special) tokens.insert(tokens.begin(), 1);
  return tokens;
}

std::string FakeCompleter::detokenize(const std::vector<engine::TokenId>& tokens) const {
  std::string text;
  for (const engine::TokenId token : tokens) {
    if (token > 127) fail(ErrorKind::kInvalidArgument, "the token {} is not in the vocabulary", token);
    text += static_cast<char>(token);
  }
  return text;
}

FakeCompleter::Entry& FakeCompleter::wait_for(std::unique_lock<std::mutex>& lock, size_t request) {
  changed_.wait(lock, [&] { return entries_.size() > request; });
  return *std::next(entries_.begin(), static_cast<std::ptrdiff_t>(request));
}

engine::GenerationParams FakeCompleter::params(size_t request) {
  std::unique_lock lock(mutex_);
  return wait_for(lock, request).request.params;
}

std::string FakeCompleter::prompt_text(size_t request) {
  std::unique_lock lock(mutex_);
  const std::vector<engine::TokenId>& tokens = wait_for(lock, request).request.tokens;
  return std::string(tokens.begin(), tokens.end());
}

void FakeCompleter::say(size_t request, std::string_view text) {
  std::unique_lock lock(mutex_);
  const auto on_text = wait_for(lock, request).request.on_text;
  lock.unlock();
  on_text(text);
}

void FakeCompleter::finish(size_t request, engine::StopReason reason) {
  std::unique_lock lock(mutex_);
  const auto on_done = std::exchange(wait_for(lock, request).request, {}).on_done;
  lock.unlock();
  engine::Outcome outcome;
  outcome.generation.reason = reason;
  outcome.generation.prompt_tokens = 5;
  outcome.generation.cached_tokens = 1;
  outcome.generation.generated_tokens = 3;
  outcome.generation.prompt_seconds = 0.5;
  outcome.generation.generation_seconds = 0.25;
  if (reason == engine::StopReason::kStopText) outcome.generation.stop_text = "###";
  on_done(outcome);
}

void FakeCompleter::fail_request(size_t request, const Error& error) {
  std::unique_lock lock(mutex_);
  const auto on_done = std::exchange(wait_for(lock, request).request, {}).on_done;
  lock.unlock();
  on_done({.generation = {}, .error = error});
}

void FakeCompleter::drop(size_t request) {
  std::unique_lock lock(mutex_);
  const engine::Request dropped = std::exchange(wait_for(lock, request).request, {});
  lock.unlock();
}

void FakeCompleter::await_cancelled(size_t request) {
  std::unique_lock lock(mutex_);
  const Entry& entry = wait_for(lock, request);
  changed_.wait(lock, [&] { return entry.cancelled; });
}

}  // namespace patina::server
