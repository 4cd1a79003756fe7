#include "measure/machine_limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "platform/huge_buffer.h"
#include "platform/memory.h"

namespace patina::measure {

namespace {

// Short, so that whatever else runs on the machine leaves some of them alone.
constexpr int kTries = 24;
constexpr int64_t kWordsOfLine = 8;

// Seconds that all workers together take for the body; the least of all tries, the first one not counted.
double best_seconds(ThreadPool& pool, FunctionRef<void(int worker, int attempt)> body) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int attempt = 0; attempt <= kTries; ++attempt) {
    const Clock::time_point start = Clock::now();
    pool.run([&](int worker) { body(worker, attempt); });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (attempt == 1 || (attempt > 1 && seconds < best)) best = seconds;
  }
  return best;
}

// Reads whole cache lines. Asking for lines ahead is what the kernels do, too; no plain loop is faster.
uint64_t sum_of(std::span<const uint64_t> words) {
  constexpr size_t kAhead = 2048 / sizeof(uint64_t);
  uint64_t sums[kWordsOfLine] = {};
  for (size_t i = 0; i + kWordsOfLine <= words.size(); i += kWordsOfLine) {
    __builtin_prefetch(words.data() + i + kAhead);
    for (size_t j = 0; j < kWordsOfLine; ++j) sums[j] += words[i + j];
  }
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum += part;
  return sum;
}

double measure_bandwidth(ThreadPool& pool) {
  const uint64_t bytes = bandwidth_bytes(platform::available_memory());
  if (bytes == 0) return 0;
  constexpr size_t kSections = 8;  // one a try: when it comes round again, the others have pushed it out of the caches
  platform::HugeBuffer memory;
  try {
    memory = platform::HugeBuffer(bytes);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kOutOfMemory) return 0;
    throw;
  }
  const std::span<uint64_t> words = memory.as<uint64_t>();
  const size_t share = words.size() / (kSections * static_cast<size_t>(pool.size())) / kWordsOfLine * kWordsOfLine;
  const auto part = [&](int worker, size_t section) {
    return words.subspan((static_cast<size_t>(worker) * kSections + section) * share, share);
  };
  pool.run([&](int worker) {  // near the one who reads it
    for (size_t i = 0; i < kSections; ++i) std::fill(part(worker, i).begin(), part(worker, i).end(), 1);
  });
  const double seconds = best_seconds(pool, [&](int worker, int attempt) {
    const uint64_t sum = sum_of(part(worker, static_cast<size_t>(attempt) % kSections));
    asm volatile("" : : "r"(sum));  // somebody might want it
  });
  return static_cast<double>(share * sizeof(uint64_t)) * pool.size() / seconds;
}

double measure_peak(ThreadPool& pool, int64_t (*loop)(int64_t rounds)) {
  if (loop == nullptr) return 0;
  constexpr int64_t kRounds = 1 << 19;
  int64_t products = 0;
  const double seconds = best_seconds(pool, [&](int worker, int /*attempt*/) {
    const int64_t mine = loop(kRounds);
    if (worker == 0) products = mine;
  });
  return static_cast<double>(products) * pool.size() / seconds;
}

}  // namespace

uint64_t bandwidth_bytes(uint64_t available) {
  constexpr uint64_t kMost = uint64_t{512} << 20U;
  constexpr uint64_t kLeast = uint64_t{128} << 20U;
  if (available == 0) return kMost;
  const uint64_t bytes = std::min(available / 4, kMost);
  return bytes < kLeast ? 0 : bytes;
}

MachineLimits measure_limits(ThreadPool& pool, const kernels::Kernels& kernels) {
  return {.read_bandwidth = measure_bandwidth(pool),
          .int8_peak = measure_peak(pool, kernels.peak.int8),
          .int16_peak = measure_peak(pool, kernels.peak.int16),
          .f32_peak = measure_peak(pool, kernels.peak.f32)};
}

}  // namespace patina::measure
