#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace patina::apps {

// One thing to measure. With `train`, that alone; else reading `prompt` tokens and then writing `generate`, one pass
// each, for `sequences` at once (which read nothing but the depth, if more than one).
struct BenchTest {
  int64_t prompt = 0;
  int64_t generate = 0;
  int64_t sequences = 1;
  int64_t depth = 0;  // tokens of context that are there before
  int64_t train = 0;  // tokens of one optimizer step

  std::string name() const;  // pp512, tg64, pp512+tg64, tg64x4, "tg64 @ d4096", train256
  int64_t tokens() const;    // handled by one run
};

// What the flags ask for; a count of 0 is left out.
struct BenchPlan {
  std::vector<int64_t> prompts;
  std::vector<int64_t> generates;
  std::vector<BenchTest> pairs;  // with `prompt` and `generate`
  std::vector<int64_t> batches;  // sequences that write at once, as much as `generates` says
  std::vector<int64_t> depths;
  std::vector<int64_t> trains;

  std::vector<BenchTest> tests() const;  // each once
};

}  // namespace patina::apps
