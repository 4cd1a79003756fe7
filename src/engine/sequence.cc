#include "engine/sequence.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace patina::engine {

namespace {

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

sampling::SamplingParams sampling_of(const tokenizer::Tokenizer& tokenizer, const GenerationParams& params) {
  sampling::SamplingParams sampling = params.sampling;
  if (!params.ignore_eos) return sampling;
  for (TokenId id = 0; id < tokenizer.size(); ++id) {
    if (tokenizer.is_end_of_generation(id)) sampling.banned.push_back(id);
  }
  return sampling;
}

}  // namespace

Sequence::Sequence(const tokenizer::Tokenizer& tokenizer, model::KvCache& cache, int64_t context_length)
    : tokenizer_(&tokenizer), cache_(cache), context_length_(context_length) {}

void Sequence::check(const tokenizer::Tokenizer& tokenizer, int64_t context_length, std::span<const TokenId> prompt,
                     const GenerationParams& params) {
  if (prompt.empty()) fail(ErrorKind::kInvalidArgument, "the prompt is empty; give at least one character");
  if (static_cast<int64_t>(prompt.size()) >= context_length) {
    fail(ErrorKind::kInvalidArgument,
         "the prompt has {} tokens, which leaves no room for an answer in the context of {}; shorten it, or raise the "
         "context (-c)",
         prompt.size(), context_length);
  }
  for (const TokenId token : prompt) {
    if (token < 0 || token >= tokenizer.size()) {
      fail(ErrorKind::kInvalidArgument, "the prompt holds the token {}; the vocabulary has 0 to {}", token,
           tokenizer.size() - 1);
    }
  }
  static_cast<void>(sampling::Sampler(params.sampling));
}

int64_t Sequence::cached_prefix(std::span<const TokenId> prompt) const {
  const auto held = std::span(tokens_).first(std::min(known_, static_cast<size_t>(cache_.length())));
  const auto last = static_cast<int64_t>(prompt.size()) - 1;
  const auto differ = std::ranges::mismatch(held, prompt).in1;
  return std::clamp<int64_t>(differ - held.begin(), 0, std::max<int64_t>(last, 0));
}

void Sequence::begin(std::span<const TokenId> prompt, const GenerationParams& params, OnText on_text) {
  check(*tokenizer_, context_length_, prompt, params);
  answer_ = std::make_unique<Answer>(Answer{.params = params,
                                            .on_text = std::move(on_text),
                                            .sampler = sampling::Sampler(sampling_of(*tokenizer_, params)),
                                            .decoder = tokenizer::StreamDecoder(*tokenizer_),
                                            .matcher = tokenizer::StopMatcher(params.stops)});
  for (const TokenId token : prompt) answer_->sampler.accept(token);
  generation_ = {};
  generation_.prompt_tokens = static_cast<int64_t>(prompt.size());
  generation_.cached_tokens = cached_prefix(prompt);
  cache_.truncate(generation_.cached_tokens);
  tokens_.assign(prompt.begin(), prompt.end());
  known_ = tokens_.size();
  start_ = Clock::now();
  first_token_.reset();
}

void Sequence::propose(Drafter& drafter, int64_t most) {
  if (done() || !answering()) return;
  tokens_.resize(known_);
  // The last token that the answer has room for needs no row after it.
  most = std::min(most, context_length_ - static_cast<int64_t>(known_));
  if (answer_->params.max_tokens >= 0) {
    most = std::min(most, answer_->params.max_tokens - generation_.generated_tokens - 1);
  }
  const std::span<const TokenId> proposed = drafter.propose(tokens_, most);
  tokens_.insert(tokens_.end(), proposed.begin(), proposed.end());
}

std::span<const TokenId> Sequence::pending() const {
  return std::span(tokens_).subspan(static_cast<size_t>(cache_.length()));
}

std::vector<int64_t> Sequence::decisive_logits() const {
  if (!answering()) return {0};
  std::vector<int64_t> counts(static_cast<size_t>(wanted_rows()));
  for (size_t row = 0; row < counts.size(); ++row) {
    counts[row] = answer_->sampler.decisive_logits(static_cast<int64_t>(row));
  }
  return counts;
}

void Sequence::take_logits(std::span<const float> logits) {
  if (answer_->params.max_tokens == 0) return finish(StopReason::kLength);
  const std::vector<TokenId> proposal(tokens_.begin() + static_cast<std::ptrdiff_t>(known_), tokens_.end());
  tokens_.resize(known_);
  generation_.proposed_tokens += static_cast<int64_t>(proposal.size());
  const size_t cols = logits.size() / (proposal.size() + 1);
  for (size_t row = 0; !done(); ++row) {
    const TokenId token = choose(logits.subspan(row * cols, cols));
    const bool proposed = row < proposal.size() && token == proposal[row];
    if (!proposed) cache_.truncate(static_cast<int64_t>(known_));
    take(token);
    if (!proposed) return;
    ++generation_.accepted_tokens;
  }
}

TokenId Sequence::choose(std::span<const float> logits) {
  const auto known = std::min(logits.size(), static_cast<size_t>(tokenizer_->size()));
  const TokenId token = answer_->sampler.sample(logits.first(known));
  if (!first_token_) first_token_ = Clock::now();
  return token;
}

void Sequence::take(TokenId token) {
  if (tokenizer_->is_end_of_generation(token)) return finish(StopReason::kEndOfText);
  answer_->sampler.accept(token);
  tokens_.push_back(token);
  known_ = tokens_.size();
  ++generation_.generated_tokens;
  answer_->emit(answer_->matcher.push(answer_->decoder.push(token)));
  if (answer_->matcher.stopped()) {
    finish(StopReason::kStopText);
  } else if (generation_.generated_tokens == answer_->params.max_tokens) {
    finish(StopReason::kLength);
  } else if (static_cast<int64_t>(tokens_.size()) > context_length_) {
    finish(StopReason::kContextFull);
  }
}

void Sequence::finish(StopReason reason) {
  const std::unique_ptr<Answer> answer = std::move(answer_);
  if (answer == nullptr) return;
  const Clock::time_point now = Clock::now();
  const Clock::time_point read = first_token_.value_or(now);
  generation_.prompt_seconds = seconds(read - start_);
  generation_.generation_seconds = seconds(now - read);
  std::string rest = answer->matcher.push(answer->decoder.finish());
  rest += answer->matcher.finish();
  generation_.reason = reason;
  generation_.stop_text = answer->matcher.matched();
  answer->emit(rest);
}

}  // namespace patina::engine
