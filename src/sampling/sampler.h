#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace patina::sampling {

using TokenId = int32_t;

// Defaults and meanings are those of llama.cpp's command line.
struct SamplingParams {
  float temperature = 0.8F;  // 0 or less: greedy
  int top_k = 40;            // 0 or less: off
  float top_p = 0.95F;       // 1 or more: off
  float min_p = 0.05F;       // 0 or less: off
  float repeat_penalty = 1.0F;
  int repeat_last_n = 64;  // tokens looked back at; 0: off, -1: all
  float presence_penalty = 0.0F;
  float frequency_penalty = 0.0F;
  uint64_t seed = 0;
  std::vector<TokenId> banned;  // never chosen (--ignore-eos)
};

// Chooses tokens for one sequence: penalties, top-k, top-p, min-p, temperature, then a draw. The same seed, logits and
// history give the same token on every machine. Never sorts the whole vocabulary. Not thread safe; one a sequence.
class Sampler {
 public:
  explicit Sampler(SamplingParams params);

  // `logits`: one f32 a token of the vocabulary, not modified. NaN counts as minus infinity. Throws kInvalidArgument when no token can be chosen.
  TokenId sample(std::span<const float> logits);
  // Adds a token (of the prompt or the answer) to the history that the penalties look at.
  void accept(TokenId token);
  void reset();  // forgets the history and restarts the random sequence at the seed

  const SamplingParams& params() const { return params_; }

 private:
  SamplingParams params_;
  std::mt19937_64 random_;
  std::vector<TokenId> history_;
};

// The most likely token; the lowest id among equals.
TokenId argmax(std::span<const float> logits);

}  // namespace patina::sampling
