#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace patina::sampling {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Up to this many, a heap of the best is kept in one pass over the logits; above, a selection is cheaper.
constexpr size_t kHeapLimit = 1024;

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
  if (best < 0) fail(ErrorKind::kInvalidArgument, "no token can be chosen: every one has a probability of zero");
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
  logits_.assign(logits.begin(), logits.end());
  apply_penalties();
  for (const TokenId id : params_.banned) {
    if (id >= 0 && id < static_cast<TokenId>(logits_.size())) logits_[id] = kNever;
  }
  const TokenId best = argmax(logits_);
  if (params_.temperature <= 0 || std::isinf(logits_[best])) return best;
  gather();
  if (params_.top_p < 1) keep_mass(params_.top_p);
  if (params_.min_p > 0) keep_likely(params_.min_p, logits_[best]);
  return draw(logits_[best]);
}

// As llama.cpp's "penalties" sampler: Keskar et al. 2019 (CTRL) for the repeat penalty, but made to lower negative
// logits too, and the presence and frequency penalties of OpenAI's API.
void Sampler::apply_penalties() {
  const bool off = params_.repeat_penalty == 1 && params_.presence_penalty == 0 && params_.frequency_penalty == 0;
  if (off || params_.repeat_last_n == 0) return;
  const size_t length = params_.repeat_last_n < 0
                            ? history_.size()
                            : std::min(history_.size(), static_cast<size_t>(params_.repeat_last_n));
  std::unordered_map<TokenId, int> counts;
  for (const TokenId id : std::span(history_).last(length)) ++counts[id];
  for (const auto& [id, count] : counts) {
    if (id < 0 || id >= static_cast<TokenId>(logits_.size())) continue;
    float& logit = logits_[id];
    logit = logit > 0 ? logit / params_.repeat_penalty : logit * params_.repeat_penalty;
    logit -= static_cast<float>(count) * params_.frequency_penalty + params_.presence_penalty;
  }
}

// Fills candidates_ with the top-k tokens, or with all.
void Sampler::gather() {
  const auto better = [](const Candidate& a, const Candidate& b) { return a.better_than(b); };
  const size_t limit = params_.top_k > 0 ? static_cast<size_t>(params_.top_k) : logits_.size();
  const bool heap = limit <= kHeapLimit && limit < logits_.size();
  candidates_.clear();
  for (size_t i = 0; i < logits_.size(); ++i) {
    const Candidate candidate{logits_[i], static_cast<TokenId>(i)};
    if (!(candidate.logit > kNever)) continue;
    if (heap && candidates_.size() == limit) {
      if (!candidate.better_than(candidates_.front())) continue;
      std::pop_heap(candidates_.begin(), candidates_.end(), better);
      candidates_.back() = candidate;
      std::push_heap(candidates_.begin(), candidates_.end(), better);
    } else {
      candidates_.push_back(candidate);
      if (heap) std::push_heap(candidates_.begin(), candidates_.end(), better);
    }
  }
  if (heap) {
    std::sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  } else if (limit < candidates_.size()) {
    keep_best(limit);
  }
}

void Sampler::keep_from(const Candidate& worst) {
  std::erase_if(candidates_, [worst](const Candidate& candidate) { return worst.better_than(candidate); });
}

void Sampler::keep_best(size_t count) {
  scratch_ = candidates_;
  const auto last = scratch_.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(scratch_.begin(), last, scratch_.end(),
                   [](const Candidate& a, const Candidate& b) { return a.better_than(b); });
  keep_from(*last);
}

// Keeps the fewest best candidates that together have at least `share` of the probability (Holtzman et al. 2020,
// nucleus sampling): a quickselect by probability mass instead of by count, so that nothing large is sorted.
void Sampler::keep_mass(double share) {
  constexpr size_t kSmall = 64;
  const auto better = [](const Candidate& a, const Candidate& b) { return a.better_than(b); };
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
