#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/completer.h"

namespace patina::server {

// A completer whose answers come when the test says so. A token is a byte of text. Safe to use from several threads.
class FakeCompleter final : public Completer {
 public:
  FakeCompleter();

  const ServedModel& model() const override { return model_; }
  engine::Prompt prompt(std::string_view text, bool raw) const override;
  engine::Prompt chat_prompt(std::span<const tokenizer::ChatMessage> messages) const override;
  std::unique_ptr<Job> start(engine::Request request) override;
  std::vector<engine::TokenId> tokenize(std::string_view text, bool add_special, bool parse_special) const override;
  std::string detokenize(const std::vector<engine::TokenId>& tokens) const override;

  // Requests are numbered from 0 in the order of their start. All wait until that one has been started.
  engine::GenerationParams params(size_t request);
  std::string prompt_text(size_t request);
  void say(size_t request, std::string_view text);
  void finish(size_t request, engine::StopReason reason = engine::StopReason::kEndOfText);
  void fail_request(size_t request, const Error& error);
  void drop(size_t request);  // without a word
  // Returns once the job of a request has been destroyed.
  void await_cancelled(size_t request);

  size_t max_requests = 1000;  // beyond which start() takes none
  // Not empty: every request is answered with it as soon as it is started.
  std::string instant_answer;

 private:
  struct Entry {
    engine::Request request;
    bool cancelled = false;
  };
  class FakeJob;
  Entry& wait_for(std::unique_lock<std::mutex>& lock, size_t request);

  ServedModel model_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
};

}  // namespace patina::server
