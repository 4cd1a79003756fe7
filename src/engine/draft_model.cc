#include "engine/draft_model.h"

#include <algorithm>
#include <cmath>

#include "engine/forward.h"
#include "sampling/sampler.h"

namespace patina::engine {

namespace {

constexpr int64_t kFirstLength = 4;

int64_t clamped(const SpeculationOptions& options, int64_t length) {
  const int64_t least = std::max<int64_t>(1, options.least);
  return std::clamp(length, least, std::max(least, options.most));
}

// What the softmax of the logits gives to `token`, which has the largest.
double probability_of_best(std::span<const float> logits, TokenId token) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - logits[token]);
  return 1 / sum;
}

}  // namespace

DraftModel::DraftModel(const Runtime& runtime, const SpeculationOptions& options)
    : runtime_(runtime),
      options_(options),
      context_(runtime.make_context(buffers_)),
      cache_(runtime.model().hyper(), runtime.context_length(), runtime.cache_types()),
      sequence_(runtime.tokenizer(), cache_, runtime.context_length()),
      length_(clamped(options, kFirstLength)) {}

std::span<const TokenId> DraftModel::propose(std::span<const TokenId> text, int64_t most) {
  pace(text);
  guess_.clear();
  guess_at_ = text.size();
  GenerationParams greedy;
  greedy.sampling.temperature = 0;
  greedy.max_tokens = std::min(most, length_);
  if (greedy.max_tokens < std::max<int64_t>(1, options_.least)) return {};
  sequence_.begin(text, greedy, {});
  while (!sequence_.done()) {
    const Reading reading{&sequence_, std::min(static_cast<int64_t>(sequence_.pending().size()), kPromptChunk)};
    const ForwardResult result = forward(runtime_, context_, {&reading, 1});
    const auto logits = result.logits(0);
    if (!logits) continue;
    const auto known = logits->first(static_cast<size_t>(runtime_.tokenizer().size()));
    const TokenId token = sampling::argmax(known);
    if (probability_of_best(known, token) < options_.least_probability) break;
    guess_.push_back(token);
    sequence_.take_logits(*logits);
  }
  sequence_.finish(StopReason::kCancelled);
  if (static_cast<int64_t>(guess_.size()) < options_.least) guess_.clear();
  return guess_;
}

// How many tokens to guess next, by how the last guess fared.
void DraftModel::pace(std::span<const TokenId> text) {
  if (guess_.empty() || text.size() <= guess_at_) return;
  const std::span<const TokenId> chosen = text.subspan(guess_at_);
  const auto differ = std::ranges::mismatch(guess_, chosen);
  const bool refused = differ.in1 != guess_.end() && differ.in2 != chosen.end();
  length_ = clamped(options_, refused ? length_ - 1 : length_ + 2);
}

}  // namespace patina::engine
