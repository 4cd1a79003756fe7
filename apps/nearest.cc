#include "apps/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace patina::apps {

namespace {

constexpr size_t kMistake = 2;
constexpr size_t kWrongCase = 1;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

size_t replacement_cost(char a, char b) {
  if (a == b) return 0;
  return lower(a) == lower(b) ? kWrongCase : kMistake;
}

}  // namespace

size_t typing_distance(std::string_view a, std::string_view b) {
  // Three rows of the table of distances between prefixes: of a[..i-2], a[..i-1] and a[..i] to every prefix of b.
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j * kMistake;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i * kMistake;
    for (size_t j = 1; j <= b.size(); ++j) {
      current[j] =
          std::min({last[j] + kMistake, current[j - 1] + kMistake, last[j - 1] + replacement_cost(a[i - 1], b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + kMistake);
    }
    before_last.swap(last);
    last.swap(current);
  }
  return last[b.size()];
}

std::string nearest_name(std::string_view word, std::span<const std::string> names) {
  const auto nearest = std::min_element(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return typing_distance(word, a) < typing_distance(word, b);
  });
  return nearest == names.end() ? std::string() : *nearest;
}

std::string suggestion(std::string_view word, std::span<const std::string> names) {
  const std::string name = nearest_name(word, names);
  if (name.empty()) return "";
  // More than every second letter wrong: hardly what was meant.
  if (typing_distance(word, name) > word.size()) return fmt::format("; the nearest known is {}.", name);
  return fmt::format("; did you mean {}?", name);
}

}  // namespace patina::apps
