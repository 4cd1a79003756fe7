#pragma once

#include <span>
#include <string_view>

namespace patina::apps {

enum class FlagValue { kNone, kOne, kOptional };

// A flag that is accepted and does nothing.
struct IgnoredFlag {
  std::string_view name;  // without dashes
  FlagValue value;
  // NOLINTNEXTLINE(readability-redundant-member-init): g++ warns without it where a list leaves it out
  std::string_view instead = {};  // what to know or to do instead; empty: nothing
};

// A flag of another program that has another name here.
struct RenamedFlag {
  std::string_view name;  // without dashes
  std::string_view here;  // the flag it stands for, without dashes
  // NOLINTNEXTLINE(readability-redundant-member-init): g++ warns without it where a list leaves it out
  std::string_view value = {};  // what its value begins with, or all of it where it takes none
  bool takes_none = false;
};

// llama.cpp's flags that have no meaning here: other devices, memory locking, batch sizes, choosing between a chat and
// plain generation (which follows from the terminal and -p), and the like.
std::span<const IgnoredFlag> llama_flags_without_meaning();

// Whether `word` can be the optional value of a flag like -fa: on, off, auto, true, false, yes, no, 0 or 1.
bool is_switch_value(std::string_view word);

}  // namespace patina::apps
