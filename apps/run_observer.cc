#include "apps/run_observer.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/generator.h"

namespace patina::apps {

namespace {

// The likeliest answer, of a few lines at most.
std::string likeliest_answer(const engine::Runtime& runtime, const adapter::Attachment& adapters,
                             const engine::Prompt& prompt) {
  constexpr int64_t kMost = 96;
  engine::GenerationParams params;
  params.sampling.temperature = 0;
  params.max_tokens = kMost;
  params.stops = prompt.stops;
  std::string answer;
  engine::Generator generator(runtime, adapters);
  generator.generate(prompt.tokens, params, [&](std::string_view text) { answer += text; });
  return answer;
}

void add_preference(std::vector<train::Scalar>& scalars, const train::PreferenceSum& sum, std::string_view rows) {
  if (sum.pairs == 0) return;
  scalars.push_back({fmt::format("margin/{}", rows), sum.mean_margin()});
  scalars.push_back({fmt::format("preferred/{}", rows), sum.share_preferred()});
}

}  // namespace

RunObserver::RunObserver(const engine::Runtime& runtime, const WatchOptions& options, const LogSink& log)
    : runtime_(runtime),
      prompts_(options.sample_prompts),
      rules_(engine::resolve_prompt_rules({.template_choice = {},
                                           .adapter_template = options.prompt_template,
                                           .chat_choice = {},
                                           .jinja = runtime.tokenizer().vocab().chat_template})),
      log_(log),
      progress_(options.quiet, log) {
  if (options.tensorboard) events_.emplace(*options.tensorboard);
}

train::TrainObserver RunObserver::hooks(std::function<bool()> stop) {
  train::TrainObserver observer;
  observer.on_step = [this](const train::StepRecord& record, double left) { on_step(record, left); };
  observer.on_evaluation = [this](const train::EvaluationRecord& record) { on_evaluation(record); };
  if (!prompts_.empty()) {
    observer.on_sampling = [this](uint64_t step, const adapter::Attachment& adapters) { on_sampling(step, adapters); };
  }
  observer.on_warning = [this](const std::string& sentence) {
    progress_.finish();
    patina::log(log_, LogLevel::kWarning, sentence);
  };
  observer.stop = std::move(stop);
  return observer;
}

void RunObserver::on_step(const train::StepRecord& record, double seconds_left) {
  progress_.show(record, seconds_left);
  if (!events_) return;
  std::vector<train::Scalar> scalars = {{"loss/train", record.loss},
                                        {"learning_rate", record.learning_rate},
                                        {"gradient_norm", record.gradient_norm},
                                        {"tokens_per_second", record.tokens_per_second()}};
  add_preference(scalars, record.preference, "train");
  events_->write(record.step, scalars);
}

void RunObserver::on_evaluation(const train::EvaluationRecord& record) {
  progress_.finish();
  const bool pairs = record.preference.pairs > 0;
  const std::string detail = pairs ? fmt::format("{:.0f} % preferred", 100 * record.preference.share_preferred())
                                   : fmt::format("perplexity {:.2f}", record.perplexity());
  patina::log(log_, LogLevel::kInfo,
              fmt::format("step {}: rows kept apart: loss {:.4f}, {}{}", record.step, record.loss, detail,
                          record.best ? ", the best so far" : ""));
  if (!events_) return;
  std::vector<train::Scalar> scalars = {{"loss/validation", record.loss}};
  if (!pairs) scalars.push_back({"perplexity/validation", record.perplexity()});
  add_preference(scalars, record.preference, "validation");
  events_->write(record.step, scalars);
}

void RunObserver::on_sampling(uint64_t step, const adapter::Attachment& adapters) {
  progress_.finish();
  for (const std::string& text : prompts_) {
    const engine::Prompt prompt = engine::make_prompt(runtime_.tokenizer(), rules_, text, false);
    const std::string answer = likeliest_answer(runtime_, adapters, prompt);
    patina::log(log_, LogLevel::kInfo, fmt::format("step {}: {} -> {}", step, text, answer));
    samples_.push_back({fmt::format("step {}", step), text, answer});
  }
}

}  // namespace patina::apps
