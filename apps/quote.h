#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace patina::apps {

// The text between single quotes on one line, safe for a terminal: line ends, tabs, quotes and backslashes as in C,
// other control characters and bytes that are no UTF-8 as \xHH. Of more than `max_bytes` only whole characters within
// these, and "..." after the quote.
std::string quote(std::string_view text, size_t max_bytes = std::string_view::npos);

}  // namespace patina::apps
