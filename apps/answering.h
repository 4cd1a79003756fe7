#pragma once

#include <string>

#include "base/log.h"
#include "engine/generator.h"
#include "engine/prompt.h"
#include "platform/signals.h"

namespace patina::apps {

// Generates the answer to `prompt`, writing it to stdout as it comes; ends early when the user asks to stop. The
// prompt's own stop texts are added to those of `params`. What the generator throws passes through.
struct Answer {
  engine::Generation generation;
  std::string text;
};
Answer stream_answer(engine::Generator& generator, const engine::Prompt& prompt, engine::GenerationParams params,
                     const platform::InterruptGuard& interrupt);

// Tells, when the context is full, what can be done about it.
void warn_of_full_context(const engine::Generation& generation, int64_t context_length, const LogSink& log);

// Tokens and seconds of several answers together.
class Timings {
 public:
  void add(const engine::Generation& generation);
  void print(const LogSink& log) const;

 private:
  engine::Generation total_;
  int answers_ = 0;
};

}  // namespace patina::apps
