#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>

#include "threading/thread_pool.h"

// dispatch/T: the cost of an empty loop over T workers, each with one piece.
// work/T: 4 ms of arithmetic in 64 pieces; more workers than cores should take no longer than as many as cores.
namespace {

void dispatch(benchmark::State& state) {
  patina::ThreadPool pool(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    pool.parallel_for(pool.size(), 1, [](int64_t begin, int64_t, int) { benchmark::DoNotOptimize(begin); });
  }
}
BENCHMARK(dispatch)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->UseRealTime();

void work(benchmark::State& state) {
  patina::ThreadPool pool(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    pool.parallel_for(64, 1, [](int64_t begin, int64_t, int) {
      uint64_t value = static_cast<uint64_t>(begin);
      for (int i = 0; i < 60000; ++i) benchmark::DoNotOptimize(value = value * 6364136223846793005U + 1U);
    });
  }
}
BENCHMARK(work)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
