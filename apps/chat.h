#pragma once

#include <string>

#include "base/log.h"
#include "engine/generation.h"
#include "engine/runtime.h"

namespace patina::apps {

// A conversation at the terminal until the user leaves it. Ctrl-C stops an answer. `system` opens the conversation
// unless it is empty.
void run_chat(const engine::Runtime& runtime, const engine::GenerationParams& params, const std::string& system,
              const LogSink& log);

}  // namespace patina::apps
