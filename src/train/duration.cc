#include "train/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace patina::train {
namespace {

// Seconds of a unit; 0 for an unknown one.
double unit_seconds(char unit) {
  switch (unit) {
    case 'd':
      return 86400;
    case 'h':
      return 3600;
    case 'm':
      return 60;
    case 's':
      return 1;
    default:
      return 0;
  }
}

}  // namespace

std::string duration_text(double seconds) {
  constexpr double kLongest = 1e9;
  const auto total = static_cast<uint64_t>(std::llround(std::clamp(seconds, 0.0, kLongest)));
  const uint64_t hours = total / 3600;
  const uint64_t minutes = total / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, total % 60);
  return fmt::format("{}:{:02}", minutes, total % 60);
}

std::optional<double> parse_duration(std::string_view text) {
  constexpr double kMost = 100 * 365.0 * 86400;
  double seconds = 0;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !(number >= 0)) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const double unit = text.empty() ? 1 : unit_seconds(text.front());
    if (unit == 0) return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
    seconds += number * unit;
  }
  return seconds > 0 && seconds <= kMost ? std::optional(seconds) : std::nullopt;
}

}  // namespace patina::train
