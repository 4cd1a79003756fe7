#include "server/engine_completer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "tokenizer/utf8.h"

namespace patina::server {
namespace {

class SchedulerJob final : public Job {
 public:
  SchedulerJob(engine::Scheduler& scheduler, engine::RequestId id) : scheduler_(scheduler), id_(id) {}
  ~SchedulerJob() override { scheduler_.cancel(id_); }

 private:
  engine::Scheduler& scheduler_;
  engine::RequestId id_;
};

ServedModel describe(const engine::Runtime& runtime, const CompleterOptions& options) {
  const model::Hyperparameters& hyper = runtime.model().hyper();
  const engine::PromptRules& rules = runtime.prompt_rules();
  ServedModel model;
  model.name = runtime.model_name();
  model.path = options.model_path;
  model.architecture = hyper.architecture;
  model.chat_format = tokenizer::chat_format_name(rules.chat);
  if (rules.question) model.prompt_template = tokenizer::chat_format_name(*rules.question);
  model.jinja = runtime.tokenizer().vocab().chat_template;
  model.context = runtime.context_length();
  model.trained_context = hyper.context_length;
  model.vocabulary = hyper.vocab_size;
  model.weight_bytes = runtime.model().weight_bytes();
  model.slots = options.scheduler.slots;
  model.adapters = options.adapters;
  model.defaults = options.defaults;
  return model;
}

}  // namespace

EngineCompleter::EngineCompleter(const engine::Runtime& runtime, const CompleterOptions& options, const LogSink& log)
    : runtime_(runtime), model_(describe(runtime, options)), scheduler_(runtime, options.scheduler, log) {
  for (const std::string& token : runtime.tokenizer().vocab().tokens) {
    longest_token_ = std::max(longest_token_, token.size());
  }
}

// Spares the tokenizer texts that are far too long.
void EngineCompleter::check_size(size_t bytes) const {
  const auto positions = static_cast<size_t>(runtime_.context_length());
  if (bytes / longest_token_ >= positions) {
    fail(ErrorKind::kInvalidArgument, "the prompt of {} bytes is longer than the context of {} tokens", bytes,
         positions);
  }
}

engine::Prompt EngineCompleter::prompt(std::string_view text, bool raw) const {
  check_size(text.size());
  return engine::make_prompt(runtime_.tokenizer(), runtime_.prompt_rules(), text, raw);
}

engine::Prompt EngineCompleter::chat_prompt(std::span<const tokenizer::ChatMessage> messages) const {
  size_t bytes = 0;
  for (const tokenizer::ChatMessage& message : messages) bytes += message.content.size();
  check_size(bytes);
  return engine::make_chat_prompt(runtime_.tokenizer(), runtime_.prompt_rules(), messages);
}

std::unique_ptr<Job> EngineCompleter::start(engine::Request request) {
  const std::optional<engine::RequestId> id = scheduler_.submit(std::move(request));
  return id ? std::make_unique<SchedulerJob>(scheduler_, *id) : nullptr;
}

std::vector<engine::TokenId> EngineCompleter::tokenize(std::string_view text, bool add_special,
                                                       bool parse_special) const {
  return runtime_.tokenizer().encode(text, {.add_special = add_special, .parse_special = parse_special});
}

std::string EngineCompleter::detokenize(const std::vector<engine::TokenId>& tokens) const {
  return tokenizer::make_valid(runtime_.tokenizer().decode(tokens, /*render_special=*/true)).text;
}

}  // namespace patina::server
