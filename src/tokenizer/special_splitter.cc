#include "tokenizer/special_splitter.h"

#include <algorithm>
#include <cstdint>

namespace patina::tokenizer {

void SpecialSplitter::add(std::string_view text, TokenId token) {
  if (text.empty()) return;
  auto place = std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.length <= text.size(); });
  if (place == groups_.end() || place->length != text.size()) {
    place = groups_.insert(place, Group{});
    place->length = text.size();
  }
  const auto first = static_cast<uint8_t>(text[0]);
  place->first_bytes[first] = true;
  place->tokens.emplace(text, token);
  first_bytes_[first] = true;
}

std::vector<SpecialSplitter::Match> SpecialSplitter::find_matches(std::string_view text) const {
  std::vector<size_t> candidates;
  for (size_t i = 0; i < text.size(); ++i) {
    if (first_bytes_[static_cast<uint8_t>(text[i])]) candidates.push_back(i);
  }
  std::vector<Match> matches;
  if (candidates.empty()) return matches;
  std::vector<bool> taken(text.size(), false);
  for (const Group& group : groups_) {
    for (const size_t begin : candidates) {
      if (begin + group.length > text.size()) break;
      if (!group.first_bytes[static_cast<uint8_t>(text[begin])]) continue;
      // What is taken already is longer, so it cannot lie strictly inside: its ends tell.
      if (taken[begin] || taken[begin + group.length - 1]) continue;
      const auto found = group.tokens.find(text.substr(begin, group.length));
      if (found == group.tokens.end()) continue;
      matches.push_back({begin, group.length, found->second});
      std::fill_n(taken.begin() + static_cast<std::ptrdiff_t>(begin), group.length, true);
    }
  }
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.begin < b.begin; });
  return matches;
}

std::vector<Fragment> SpecialSplitter::split(std::string_view text) const {
  std::vector<Fragment> fragments;
  size_t done = 0;
  for (const Match& match : find_matches(text)) {
    if (match.begin > done) fragments.push_back({text.substr(done, match.begin - done)});
    fragments.push_back({text.substr(match.begin, match.length), match.token});
    done = match.begin + match.length;
  }
  if (done < text.size()) fragments.push_back({text.substr(done)});
  return fragments;
}

}  // namespace patina::tokenizer
