#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace patina::sampling {

using TokenId = int32_t;

// What users may ask for, both ends included. A Sampler itself takes more.
struct Range {
  double least;
  double most;
};
inline constexpr Range kTemperatures = {0, 100};
inline constexpr Range kShares = {0, 1};  // top-p and min-p
inline constexpr Range kRepeatPenalties = {0.01, 100};
inline constexpr Range kPenalties = {-100, 100};  // for tokens that came

// Defaults and meanings are those of llama.cpp's command line.
struct SamplingParams {
  float temperature = 0.8F;     // 0 or less: greedy
  int top_k = 40;               // 0 or less: off
  float top_p = 0.95F;          // 1 or more: off
  float min_p = 0.05F;          // 0 or less: off
  float repeat_penalty = 1.0F;  // more than 0; divides positive logits, multiplies others; 1: off
  int repeat_last_n = 64;       // tokens looked back at by all three penalties; 0: off, -1: all
  float presence_penalty = 0.0F;
  float frequency_penalty = 0.0F;
  uint64_t seed = 0;
  std::vector<TokenId> banned;  // never chosen (--ignore-eos)
};

// Chooses tokens for one sequence: penalties, top-k, top-p, min-p, temperature, then a draw. The same seed, logits and
// history give the same token on every machine. Never sorts the whole vocabulary. Not thread safe; one a sequence.
class Sampler {
 public:
  // Throws kInvalidArgument for a parameter that is not a number or a repeat penalty of 0 or less.
  explicit Sampler(SamplingParams params);

  // `logits`: one f32 a token of the vocabulary, not modified. NaN counts as minus infinity; of several plus infinities
  // the first is chosen. Throws kInvalidArgument when no token can be chosen.
  TokenId sample(std::span<const float> logits);
  // How many of the largest logits decide what sample() does, when `ahead` more tokens have been accepted: with the
  // others, as long as they are smaller, as they like, it chooses the same. 0: all of them.
  int64_t decisive_logits(int64_t ahead) const;
  // Adds a token (of the prompt or the answer) to the history that the penalties look at.
  void accept(TokenId token);
  void reset();  // forgets the history and restarts the random sequence at the seed

 private:
  struct Candidate {
    float logit;
    TokenId id;
    // The order in which tokens are preferred: by logit, the lower id among equals. No two candidates are equal.
    bool better_than(const Candidate& other) const {
      return logit > other.logit || (logit == other.logit && id < other.id);
    }
  };

  static bool better(const Candidate& a, const Candidate& b) { return a.better_than(b); }

  size_t penalized(size_t history) const;
  void change_some(std::span<const float> logits);
  bool is_changed(TokenId id) const;
  void gather(std::span<const float> logits);
  void gather_best(std::span<const float> logits, size_t limit);
  void add(const Candidate& candidate, size_t limit);
  void keep_from(const Candidate& worst);
  void keep_best(size_t count);
  void keep_mass(double share);
  void keep_likely(float share, float best);
  TokenId draw(float best);
  double uniform();

  SamplingParams params_;
  std::mt19937_64 random_;
  std::vector<TokenId> history_;
  // Buffers of sample(), kept to save their allocation.
  std::vector<std::pair<TokenId, float>> changed_;  // logits that are not the model's, by rising id
  std::vector<Candidate> candidates_;               // what is still eligible, by rising id
  std::vector<Candidate> scratch_;
  std::vector<double> weights_;
};

// The most likely token; the lowest id among equals. NaN counts as minus infinity. Throws kInvalidArgument when every
// logit is minus infinity, or there is none.
TokenId argmax(std::span<const float> logits);

}  // namespace patina::sampling
