#include "apps/answering.h"

#include <fmt/format.h>

#include <cstdio>

#include "platform/memory.h"

namespace patina::apps {

namespace {

// So many tokens, of which `timed` took these seconds; one alone has no rate.
std::string rate(int64_t tokens, int64_t timed, double seconds) {
  std::string text = fmt::format("{} token{}", tokens, tokens == 1 ? "" : "s");
  if (timed > 0 && seconds > 0) {
    text += fmt::format(" in {:.2f} s ({:.1f} tokens/s)", seconds, static_cast<double>(timed) / seconds);
  }
  return text;
}

}  // namespace

Answer stream_answer(engine::Generator& generator, const engine::Prompt& prompt, engine::GenerationParams params,
                     const platform::InterruptGuard& interrupt) {
  params.stops.insert(params.stops.end(), prompt.stops.begin(), prompt.stops.end());
  Answer answer;
  const auto write = [&](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
    answer.text += text;
  };
  answer.generation = generator.generate(prompt.tokens, params, write, [&] { return interrupt.requested(); });
  return answer;
}

void warn_of_full_context(const engine::Generation& generation, int64_t context_length, const LogSink& log) {
  if (generation.reason != engine::StopReason::kContextFull) return;
  patina::log(
      log, LogLevel::kWarning,
      fmt::format("the context of {} tokens is full, the answer ends here; -c gives a larger one", context_length));
}

void Timings::add(const engine::Generation& generation) {
  total_.prompt_tokens += generation.prompt_tokens - generation.cached_tokens;
  total_.generated_tokens += generation.generated_tokens;
  total_.prompt_seconds += generation.prompt_seconds;
  total_.generation_seconds += generation.generation_seconds;
  total_.proposed_tokens += generation.proposed_tokens;
  total_.accepted_tokens += generation.accepted_tokens;
  total_.reason = generation.reason;
  ++answers_;
}

void Timings::print(const LogSink& log) const {
  if (answers_ == 0) return;
  patina::log(log, LogLevel::kInfo,
              fmt::format("prompt: {}", rate(total_.prompt_tokens, total_.prompt_tokens, total_.prompt_seconds)));
  // The first token of an answer comes out of reading the prompt, in no time of its own.
  const int64_t later = std::max<int64_t>(total_.generated_tokens - answers_, 0);
  patina::log(log, LogLevel::kInfo,
              fmt::format("answer: {}, ended by: {}", rate(total_.generated_tokens, later, total_.generation_seconds),
                          engine::stop_reason_name(total_.reason)));
  if (total_.proposed_tokens > 0) {
    patina::log(
        log, LogLevel::kInfo,
        fmt::format("speculation: {} of {} proposed tokens accepted ({:.0f} %)", total_.accepted_tokens,
                    total_.proposed_tokens,
                    100.0 * static_cast<double>(total_.accepted_tokens) / static_cast<double>(total_.proposed_tokens)));
  }
  patina::log(log, LogLevel::kInfo, fmt::format("memory: {} MiB at most", platform::peak_resident_memory() >> 20));
}

}  // namespace patina::apps
