#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/drafter.h"
#include "engine/generation.h"
#include "model/kv_cache.h"
#include "sampling/sampler.h"
#include "tokenizer/stop_matcher.h"
#include "tokenizer/tokenizer.h"

namespace patina::engine {

// One answer after another over one cached sequence: which tokens are to be read next, and what becomes of the logits
// that follow them. Runs no forward pass itself (forward.h does). Not thread safe.
class Sequence {
 public:
  using OnText = std::function<void(std::string_view text)>;

  // Tokenizer and cache must outlive it. The cache must have room for context_length positions of it.
  Sequence(const tokenizer::Tokenizer& tokenizer, model::KvCache& cache, int64_t context_length);

  // Throws kInvalidArgument for a prompt that is empty, leaves no position in the context or holds a token outside the
  // vocabulary, and for parameters that a Sampler refuses.
  static void check(const tokenizer::Tokenizer& tokenizer, int64_t context_length, std::span<const TokenId> prompt,
                    const GenerationParams& params);

  // How many tokens of this prompt the cache holds already, the last one not counted: it must be read for its logits.
  int64_t cached_prefix(std::span<const TokenId> prompt) const;

  // Begins an answer to the prompt; of the cache, what the prompt begins with is kept. Throws as check().
  void begin(std::span<const TokenId> prompt, const GenerationParams& params, OnText on_text);

  // Has the drafter guess up to `most` tokens that may be chosen next; fewer where the answer must end before. They are
  // read along with what is pending. To be called before a forward pass, if at all, while the sequence is answering.
  void propose(Drafter& drafter, int64_t most);

  // What is to be read next: the rest of the prompt, or the token chosen last and those proposed.
  std::span<const TokenId> pending() const;
  // How many of the last pending tokens are to be followed by logits: one, and each that is proposed.
  int64_t wanted_rows() const { return 1 + static_cast<int64_t>(tokens_.size() - known_); }
  // How many of the largest logits after each of these, in this order, decide which token is chosen; 0: all of them,
  // and so it is said after a prompt, where seeking the largest does not pay yet.
  std::vector<int64_t> decisive_logits() const;
  bool done() const { return answer_ == nullptr; }
  // Whether the prompt has been read and tokens are being chosen.
  bool answering() const { return first_token_.has_value(); }

  // The cache's end, for a forward pass to fill: makes room for `count` positions, or gives them up after a failure.
  model::KvSequence& cache() { return cache_; }

  // Takes the logits, wanted_rows() rows, after all pending tokens of an answer that is not done: chooses the next
  // token and hands out text, and goes on so for as long as the choice is what was proposed. Each token is drawn from
  // the model's own distribution, with the sampler's next random number, so proposals change neither the distribution
  // nor, with the same logits, the text. Throws what Sampler and on_text throw; the answer cannot go on then.
  void take_logits(std::span<const float> logits);

  // Ends the answer, handing out what text was held back, and lets go of on_text. Does nothing when it is done.
  void finish(StopReason reason);

  const Generation& generation() const { return generation_; }

 private:
  using Clock = std::chrono::steady_clock;

  // What making one answer takes.
  struct Answer {
    GenerationParams params;
    OnText on_text;
    sampling::Sampler sampler;
    tokenizer::StreamDecoder decoder;
    tokenizer::StopMatcher matcher;

    void emit(std::string_view text) const {
      if (!text.empty() && on_text) on_text(text);
    }
  };

  TokenId choose(std::span<const float> logits);
  void take(TokenId token);

  const tokenizer::Tokenizer* tokenizer_;
  model::KvSequence cache_;
  int64_t context_length_;
  std::vector<TokenId> tokens_;     // of the prompt and the answer, then those proposed; the cache holds the first ones
  size_t known_ = 0;                // how many of them are not merely proposed
  std::unique_ptr<Answer> answer_;  // null: done
  Generation generation_;
  Clock::time_point start_;
  std::optional<Clock::time_point> first_token_;
};

}  // namespace patina::engine
