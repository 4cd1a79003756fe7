#pragma once

#include <functional>
#include <string_view>

namespace patina {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Where the library's notices go. The library never prints: callers pass a sink, an empty one discards. A sink may be
// called from several threads at once.
using LogSink = std::function<void(LogLevel, std::string_view)>;

inline void log(const LogSink& sink, LogLevel level, std::string_view message) {
  if (sink) sink(level, message);
}

}  // namespace patina
