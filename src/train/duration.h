#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patina::train {

// "1:05" or "2:03:04", rounded to seconds.
std::string duration_text(double seconds);

// Seconds of "2h", "90m", "45s", "1h30m" or "1.5h"; a number alone means seconds. Empty for anything else, for 0 and
// for more than a hundred years.
std::optional<double> parse_duration(std::string_view text);

}  // namespace patina::train
