#pragma once

#include "base/log.h"
#include "engine/runtime.h"
#include "engine/scheduler.h"
#include "server/completer.h"

namespace patina::server {

struct CompleterOptions {
  engine::SchedulerOptions scheduler;
  GenerationDefaults defaults;
  std::string model_path;  // for /props
  std::vector<ServedAdapter> adapters;
};

// Serves a loaded model: many answers at once, in one batch. The runtime must outlive it; it must outlive its jobs.
class EngineCompleter final : public Completer {
 public:
  // Throws as engine::Scheduler does.
  EngineCompleter(const engine::Runtime& runtime, const CompleterOptions& options, const LogSink& log = {});

  const ServedModel& model() const override { return model_; }
  engine::Prompt prompt(std::string_view text, bool raw) const override;
  engine::Prompt chat_prompt(std::span<const tokenizer::ChatMessage> messages) const override;
  std::unique_ptr<Job> start(engine::Request request) override;
  std::vector<engine::TokenId> tokenize(std::string_view text, bool add_special, bool parse_special) const override;
  std::string detokenize(const std::vector<engine::TokenId>& tokens) const override;

 private:
  void check_size(size_t bytes) const;

  const engine::Runtime& runtime_;
  ServedModel model_;
  size_t longest_token_ = 1;  // in bytes
  engine::Scheduler scheduler_;
};

}  // namespace patina::server
