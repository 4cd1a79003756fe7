#pragma once

#include "base/log.h"

namespace patina::apps {

// A sink that writes notices of `least` and above to stderr, a line each: "warning: " and "error: " in front where they
// are that. Safe to call from several threads; lines never mix.
LogSink stderr_log(LogLevel least);

}  // namespace patina::apps
