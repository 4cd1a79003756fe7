#include "apps/console.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace patina::apps {

namespace {

std::string_view prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kError:
      return "error: ";
    case LogLevel::kDebug:
    case LogLevel::kInfo:
      break;
  }
  return "";
}

}  // namespace

LogSink stderr_log(LogLevel least) {
  return [least](LogLevel level, std::string_view message) {
    if (level < least) return;
    write_stderr(fmt::format("{}{}\n", prefix(level), message));
  };
}

// One call of the C library, which locks the stream: lines of several threads stay whole.
void write_stderr(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace patina::apps
