#include "engine/prompt_lookup.h"

#include <algorithm>
#include <utility>

namespace patina::engine {

namespace {

// Shorter matches are chance.
constexpr int64_t kShortestMatch = 2;
// How many places of the same last tokens are compared.
constexpr int kCandidates = 16;

// What one more row costs, as a share of a pass with one: measured with some to spare (docs/performance.md).
constexpr double kRowCost = 0.3;
// An expected gain below this is left alone.
constexpr double kLeastGain = 1.05;

// Rates forget what is older than some 1 / (1 - kMemory) guesses.
constexpr double kMemory = 0.95;
constexpr double kPriorTrials = 4;

// The last kShortestMatch tokens before `end`, as one number.
uint64_t key_before(std::span<const TokenId> text, int64_t end) {
  uint64_t key = 0;
  for (int64_t i = end - kShortestMatch; i < end; ++i) key = key << 32 | static_cast<uint32_t>(text[i]);
  static_assert(kShortestMatch == 2);  // so that the key is exact
  return key;
}

}  // namespace

void PromptLookup::Rate::add(bool hit) {
  hits = kMemory * hits + (hit ? 1 : 0);
  trials = kMemory * trials + 1;
}

PromptLookup::PromptLookup() {
  // Until the text tells: long matches mostly go on, short ones mostly do not.
  for (int64_t length = 0; length <= kLongestMatch; ++length) {
    const double prior = std::min(0.9, 0.1 * static_cast<double>(length));
    rates_[length] = {prior * kPriorTrials, kPriorTrials};
  }
}

std::span<const TokenId> PromptLookup::propose(std::span<const TokenId> text, int64_t most) {
  const auto same = std::ranges::mismatch(text_, text).in1 - text_.begin();
  if (same < static_cast<int64_t>(text_.size())) {
    forget();
  } else {
    learn(text.subspan(text_.size()));
  }
  append(text.subspan(text_.size()));
  const Match match = longest_match();
  guess(match, match.length > 0 ? std::max<int64_t>(most, 1) : 0);
  return std::span(guess_).first(static_cast<size_t>(paying_length(match.length, most)));
}

void PromptLookup::forget() {
  text_.clear();
  last_.clear();
  before_.clear();
  guess_.clear();
}

// How the last guess fared; each token that came true made the match longer.
void PromptLookup::learn(std::span<const TokenId> text) {
  const size_t known = std::min(text.size(), guess_.size());
  for (size_t i = 0; i < known; ++i) {
    const bool hit = guess_[i] == text[i];
    rates_[std::min(guess_match_ + static_cast<int64_t>(i), kLongestMatch)].add(hit);
    if (!hit) return;
  }
}

void PromptLookup::append(std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    const auto at = static_cast<int64_t>(text_.size());
    int64_t before = -1;
    if (at >= kShortestMatch) {
      const auto [place, fresh] = last_.try_emplace(key_before(text_, at), at);
      if (!fresh) before = std::exchange(place->second, at);
    }
    before_.push_back(before);
    text_.push_back(token);
  }
}

PromptLookup::Match PromptLookup::longest_match() const {
  const auto size = static_cast<int64_t>(text_.size());
  Match best;
  if (size < kShortestMatch) return best;
  const auto found = last_.find(key_before(text_, size));
  if (found == last_.end()) return best;
  int64_t end = found->second;
  for (int i = 0; i < kCandidates && end >= 0; ++i, end = before_[end]) {
    int64_t length = kShortestMatch;
    while (length < kLongestMatch && length < end && text_[end - 1 - length] == text_[size - 1 - length]) ++length;
    if (length > best.length) best = {end, length};
  }
  return best;
}

// What followed the match; where that comes to the text's end it goes on with the guess itself.
void PromptLookup::guess(const Match& match, int64_t count) {
  guess_.clear();
  guess_match_ = match.length;
  const auto size = static_cast<int64_t>(text_.size());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = match.end + i;
    guess_.push_back(from < size ? text_[from] : guess_[from - size]);
  }
}

// The number of tokens that makes the most of a pass: (1 + the tokens expected to come true) / (1 + the rows' cost).
int64_t PromptLookup::paying_length(int64_t match_length, int64_t most) const {
  if (match_length == 0) return 0;
  int64_t best = 0;
  double best_gain = kLeastGain;
  double likely = 1;
  double expected = 1;
  for (int64_t i = 0; i < most; ++i) {
    likely *= rates_[std::min(match_length + i, kLongestMatch)].value();
    expected += likely;
    const double gain = expected / (1 + kRowCost * static_cast<double>(i + 1));
    if (gain > best_gain) {
      best = i + 1;
      best_gain = gain;
    }
  }
  return best;
}

}  // namespace patina::engine
