#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace patina::tokenizer {

enum class Utf8Status {
  kComplete,    // a well-formed character
  kIncomplete,  // the text ends inside what may become one
  kInvalid,     // bytes that no continuation can make a character
};

struct Utf8Character {
  Utf8Status status;
  size_t length;  // bytes; of an ill-formed one the longest prefix that could have begun a character, at least 1
};

// The first character of `text`, which must not be empty, by table 3-7 of the Unicode standard (no surrogates, no
// overlong forms). Ill-formed bytes are cut into "maximal subparts" as the standard's section 3.9 recommends.
Utf8Character first_character(std::string_view text);

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// `text` with every ill-formed byte replaced by U+FFFD.
struct ValidText {
  std::string text;
  std::vector<size_t> origins;  // origins[i]: where byte i (or the end) of `text` comes from; empty if nothing changed
};
ValidText make_valid(std::string_view text);

}  // namespace patina::tokenizer
