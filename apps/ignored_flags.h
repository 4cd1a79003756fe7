#pragma once

#include <span>
#include <string_view>

namespace patina::apps {

enum class FlagValue { kNone, kOne, kOptional };

// A flag that is accepted and does nothing.
struct IgnoredFlag {
  std::string_view name;  // without dashes
  FlagValue value;
};

// llama.cpp's flags that have no meaning here: other devices, memory locking, batch sizes, choosing between a chat and
// plain generation (which follows from the terminal and -p), and the like.
std::span<const IgnoredFlag> llama_flags_without_meaning();

// Whether `word` can be the optional value of a flag like -fa: on, off, auto, true, false, yes, no, 0 or 1.
bool is_switch_value(std::string_view word);

}  // namespace patina::apps
