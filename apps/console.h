#pragma once

#include <string_view>

#include "base/log.h"

namespace patina::apps {

// A sink that writes notices of `least` and above to stderr, a line each: "warning: " and "error: " in front where they
// are that. Safe to call from several threads; lines never mix.
LogSink stderr_log(LogLevel least);

// Writes to stderr; where nobody is there to read it, it is lost, which is no error.
void write_stderr(std::string_view text);

}  // namespace patina::apps
