#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace patina::sampling {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Up to this many, a heap of the best is kept in one pass over the logits; above, a selection is cheaper.
constexpr size_t kHeapLimit = 1024;

constexpr std::string_view kNoneLeft = "no token can be chosen: every one has a probability of zero";

void check(float value, std::string_view name) {
  if (std::isnan(value)) fail(ErrorKind::kInvalidArgument, "{} must be a number", name);
}

}  // namespace

TokenId argmax(std::span<const float> logits) {
  TokenId best = -1;
  float best_logit = kNever;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > best_logit) {  // false for NaN
      best_logit = logits[i];
      best = static_cast<TokenId>(i);
    }
  }
  if (best < 0) fail(ErrorKind::kInvalidArgument, "{}", kNoneLeft);
  return best;
}

Sampler::Sampler(SamplingParams params) : params_(std::move(params)), random_(params_.seed) {
  check(params_.temperature, "the temperature");
  check(params_.top_p, "top-p");
  check(params_.min_p, "min-p");
  check(params_.presence_penalty, "the presence penalty");
  check(params_.frequency_penalty, "the frequency penalty");
  if (!(params_.repeat_penalty > 0)) {
    fail(ErrorKind::kInvalidArgument, "the repeat penalty must be more than 0; 1 turns it off");
  }
}

void Sampler::accept(TokenId token) { history_.push_back(token); }

void Sampler::reset() {
  history_.clear();
  random_.seed(params_.seed);
}

TokenId Sampler::sample(std::span<const float> logits) {
  change_some(logits);
  gather(logits);
  if (candidates_.empty()) fail(ErrorKind::kInvalidArgument, "{}", kNoneLeft);
  const Candidate best = *std::ranges::min_element(candidates_, better);
  if (params_.temperature <= 0 || std::isinf(best.logit)) return best.id;
  if (params_.top_p < 1) keep_mass(params_.top_p);
  if (params_.min_p > 0) keep_likely(params_.min_p, best.logit);
  return draw(best.logit);
}

int64_t Sampler::decisive_logits(int64_t ahead) const {
  if (params_.repeat_penalty < 1 || params_.presence_penalty < 0 || params_.frequency_penalty < 0) return 0;
  const bool greedy = params_.temperature <= 0;
  if (!greedy && params_.top_k <= 0) return 0;
  // Each token that is made less likely lets the next one in.
  const size_t lowered = penalized(history_.size() + static_cast<size_t>(ahead)) + params_.banned.size();
  return (greedy ? 1 : params_.top_k) + static_cast<int64_t>(lowered);
}

// How many of the last tokens of such a history the penalties act on.
size_t Sampler::penalized(size_t history) const {
  if (params_.repeat_penalty == 1 && params_.presence_penalty == 0 && params_.frequency_penalty == 0) return 0;
  return params_.repeat_last_n < 0 ? history : std::min(history, static_cast<size_t>(params_.repeat_last_n));
}

// What the penalties and the ban make of some logits. As llama.cpp's "penalties" sampler: Keskar et al. 2019 (CTRL) for
// the repeat penalty, but made to lower negative logits too, and the presence and frequency penalties of OpenAI's API.
void Sampler::change_some(std::span<const float> logits) {
  std::map<TokenId, float> changed;
  const auto known = [&](TokenId id) { return id >= 0 && id < static_cast<TokenId>(logits.size()); };
  std::unordered_map<TokenId, int> counts;
  for (const TokenId id : std::span(history_).last(penalized(history_.size()))) ++counts[id];
  for (const auto& [id, count] : counts) {
    if (!known(id)) continue;
    const float logit = logits[id] > 0 ? logits[id] / params_.repeat_penalty : logits[id] * params_.repeat_penalty;
    changed[id] = logit - (static_cast<float>(count) * params_.frequency_penalty + params_.presence_penalty);
  }
  for (const TokenId id : params_.banned) {
    if (known(id)) changed[id] = kNever;
  }
  changed_.assign(changed.begin(), changed.end());
}

bool Sampler::is_changed(TokenId id) const {
  const auto found = std::ranges::lower_bound(changed_, id, {}, &std::pair<TokenId, float>::first);
  return found != changed_.end() && found->first == id;
}

// Fills candidates_ with the top-k tokens (the best one to be greedy), or with all.
void Sampler::gather(std::span<const float> logits) {
  const size_t limit = params_.temperature <= 0 ? 1
                       : params_.top_k > 0      ? static_cast<size_t>(params_.top_k)
                                                : logits.size();
  candidates_.clear();
  if (limit <= kHeapLimit && limit < logits.size()) {
    gather_best(logits, limit);
  } else {
    auto changed = changed_.begin();
    for (size_t i = 0; i < logits.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      const bool differs = changed != changed_.end() && changed->first == id;
      const float logit = differs ? (changed++)->second : logits[i];
      if (logit > kNever) candidates_.push_back({logit, id});  // not NaN
    }
    if (limit < candidates_.size()) keep_best(limit);
  }
}

// One pass that looks closer only at groups of logits with one that can be among the best.
void Sampler::gather_best(std::span<const float> logits, size_t limit) {
  constexpr size_t kGroup = 32;
  for (const auto& [id, logit] : changed_) add({logit, id}, limit);
  for (size_t begin = 0; begin < logits.size(); begin += kGroup) {
    const std::span<const float> group = logits.subspan(begin, std::min(kGroup, logits.size() - begin));
    if (candidates_.size() == limit) {
      const float least = candidates_.front().logit;
      int reaching = 0;
      for (const float logit : group) reaching |= logit >= least ? 1 : 0;
      if (reaching == 0) continue;
    }
    for (size_t i = 0; i < group.size(); ++i) {
      const auto id = static_cast<TokenId>(begin + i);
      if (candidates_.size() == limit && group[i] < candidates_.front().logit) continue;
      if (!is_changed(id)) add({group[i], id}, limit);
    }
  }
  std::ranges::sort(candidates_, {}, &Candidate::id);
}

// To the best `limit` candidates so far, a heap with the worst in front once there are so many.
void Sampler::add(const Candidate& candidate, size_t limit) {
  if (!(candidate.logit > kNever)) return;  // NaN too
  if (candidates_.size() < limit) {
    candidates_.push_back(candidate);
    if (candidates_.size() == limit) std::ranges::make_heap(candidates_, better);
  } else if (candidate.better_than(candidates_.front())) {
    std::ranges::pop_heap(candidates_, better);
    candidates_.back() = candidate;
    std::ranges::push_heap(candidates_, better);
  }
}

void Sampler::keep_from(const Candidate& worst) {
  std::erase_if(candidates_, [worst](const Candidate& candidate) { return worst.better_than(candidate); });
}

void Sampler::keep_best(size_t count) {
  scratch_ = candidates_;
  const auto last = scratch_.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(scratch_.begin(), last, scratch_.end(), better);
  keep_from(*last);
}

// Keeps the fewest best candidates that together have at least `share` of the probability (Holtzman et al. 2020,
// nucleus sampling): a quickselect by probability mass instead of by count, so that nothing large is sorted.
void Sampler::keep_mass(double share) {
  constexpr size_t kSmall = 64;
  scratch_ = candidates_;
  const float best = std::min_element(scratch_.begin(), scratch_.end(), better)->logit;
  const auto weight = [best](const Candidate& c) { return std::exp(static_cast<double>(c.logit) - best); };
  double wanted = 0;
  for (const Candidate& candidate : scratch_) wanted += weight(candidate);
  wanted *= share;

  auto low = scratch_.begin();  // everything before it is kept
  auto high = scratch_.end();   // the last one to keep is in [low, high)
  while (high - low > static_cast<std::ptrdiff_t>(kSmall)) {
    std::nth_element(low, low + (high - low) / 2, high, better);
    const auto middle = low + (high - low) / 2;
    double mass = 0;
    for (auto at = low; at != middle; ++at) mass += weight(*at);
    if (mass >= wanted) {
      high = middle;
    } else {
      wanted -= mass;
      low = middle;
    }
  }
  std::sort(low, high, better);
  auto last = low;
  for (; last + 1 != high; ++last) {
    wanted -= weight(*last);
    if (wanted <= 0) break;
  }
  keep_from(*last);
}

void Sampler::keep_likely(float share, float best) {
  const float lowest = std::min(best, best + std::log(share));
  std::erase_if(candidates_, [lowest](const Candidate& candidate) { return candidate.logit < lowest; });
}

TokenId Sampler::draw(float best) {
  weights_.clear();
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(std::exp((static_cast<double>(candidate.logit) - best) / params_.temperature));
    total += weights_.back();
  }
  double left = uniform() * total;
  size_t chosen = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (weights_[i] <= 0) continue;
    chosen = i;
    left -= weights_[i];
    if (left < 0) break;
  }
  return candidates_[chosen].id;
}

// In [0, 1) from the upper 53 bits; the distributions of the standard library differ from one library to the next.
double Sampler::uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

}  // namespace patina::sampling
