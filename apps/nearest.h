#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace patina::apps {

// Typing mistakes between two names: a letter put in, left out or replaced costs 2, two swapped neighbours 2, a letter
// in the wrong case 1.
size_t typing_distance(std::string_view a, std::string_view b);

// The name that is most like `word`, the first of several; "" when there is none.
std::string nearest_name(std::string_view word, std::span<const std::string> names);

// "; did you mean NAME?" for the nearest name, "; the nearest known is NAME." when it hardly resembles `word`, ""
// without names.
std::string suggestion(std::string_view word, std::span<const std::string> names);

}  // namespace patina::apps
