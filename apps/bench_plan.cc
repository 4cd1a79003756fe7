#include "apps/bench_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace patina::apps {

std::string BenchTest::name() const {
  if (train > 0) return fmt::format("train{}", train);
  std::string name;
  if (prompt > 0) name = fmt::format("pp{}", prompt);
  if (prompt > 0 && generate > 0) name += "+";
  if (generate > 0) name += fmt::format("tg{}", generate);
  if (sequences > 1) name += fmt::format("x{}", sequences);
  if (depth > 0) name += fmt::format(" @ d{}", depth);
  return name;
}

int64_t BenchTest::tokens() const { return train > 0 ? train : prompt + generate * sequences; }

std::vector<BenchTest> BenchPlan::tests() const {
  std::vector<BenchTest> all;
  for (const int64_t depth : depths) {
    for (const int64_t prompt : prompts) all.push_back({.prompt = prompt, .depth = depth});
    for (const int64_t generate : generates) all.push_back({.generate = generate, .depth = depth});
    for (const BenchTest& pair : pairs) {
      all.push_back({.prompt = pair.prompt, .generate = pair.generate, .depth = depth});
    }
    for (const int64_t sequences : batches) {
      for (const int64_t generate : generates) {
        all.push_back({.generate = generate, .sequences = sequences, .depth = depth});
      }
    }
  }
  for (const int64_t train : trains) all.push_back({.train = train});
  std::vector<BenchTest> once;
  for (const BenchTest& test : all) {
    const bool there = std::ranges::find(once, test.name(), &BenchTest::name) != once.end();
    if (test.tokens() > 0 && !there) once.push_back(test);
  }
  return once;
}

}  // namespace patina::apps
