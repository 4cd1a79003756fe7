#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace patina::apps {

// A flag in a file: its name without dashes and its values. Of a switch the value is "true" or "false".
struct FileFlag {
  std::string name;
  std::vector<std::string> values;
  size_t line;  // from 1
};

// Flags written as TOML (https://toml.io), as far as flags need it: lines "name = value" with text in "..." (with
// TOML's escapes) or '...', numbers, true, false, and arrays of these over any lines; # begins a comment; names of
// tables in
// [...] are skipped, so that a file may be divided. Throws kInvalidData, naming `source` and the line.
std::vector<FileFlag> parse_flag_file(std::string_view text, std::string_view source);

// The same the other way round. Values are text unless all of it is a number or a truth value.
std::string write_flag_file(const std::vector<FileFlag>& flags);

}  // namespace patina::apps
