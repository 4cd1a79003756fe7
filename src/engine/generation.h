#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/sampler.h"

namespace patina::engine {

// How an answer is made.
struct GenerationParams {
  sampling::SamplingParams sampling;
  int64_t max_tokens = -1;         // of the answer; below 0: as many as the context holds; 0: only reads the prompt
  std::vector<std::string> stops;  // texts that end the answer and are not part of it
  bool ignore_eos = false;         // end-of-generation tokens are never chosen
};

enum class StopReason {
  kEndOfText,    // the model chose an end-of-generation token
  kStopText,     // one of the stop texts came
  kLength,       // max_tokens
  kContextFull,  // no position is left
  kCancelled,
};

// "end of text", "stop text", "length", "context full", "cancelled".
std::string_view stop_reason_name(StopReason reason);

// What came of an answer.
struct Generation {
  StopReason reason = StopReason::kCancelled;
  std::string stop_text;          // with kStopText: which
  int64_t prompt_tokens = 0;      // of the whole prompt
  int64_t cached_tokens = 0;      // how many of these the cache held already
  int64_t generated_tokens = 0;   // an end-of-generation token not counted
  int64_t proposed_tokens = 0;    // guesses that forward passes checked
  int64_t accepted_tokens = 0;    // how many of these were chosen
  double prompt_seconds = 0;      // from the start to the first token's choice
  double generation_seconds = 0;  // from there to the end
};

}  // namespace patina::engine
