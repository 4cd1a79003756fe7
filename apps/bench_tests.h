#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench_plan.h"
#include "apps/bench_work.h"
#include "engine/runtime.h"
#include "platform/signals.h"

namespace patina::apps {

struct BenchResult {
  BenchTest test;
  std::string model;
  std::string architecture;
  std::string instruction_set;
  int64_t weight_bytes = 0;
  model::KvTypes cache_types;
  bool precise = false;
  int threads = 0;
  std::vector<double> rates;  // tokens/s of each repetition
  uint64_t peak_memory = 0;   // bytes of the process, at most so far
  std::vector<PassWork> work;

  double mean() const;
  double deviation() const;  // 0 for a single repetition
};

// Runs the test once to warm up and then `repetitions` times. Throws kInterrupted between two passes, kOutOfMemory.
BenchResult run_bench_test(const engine::Runtime& runtime, const BenchTest& test, int repetitions,
                           const platform::InterruptGuard& interrupt);

}  // namespace patina::apps
