#pragma once

namespace patina::kernels {

// How far ahead of their use weights are fetched, enough to cover the latency of memory at its bandwidth, and to which
// level of cache.
struct Prefetch {
  int bytes;  // 0: the processor foresees better
  int cache;
};

// What __builtin_prefetch calls a level of cache.
constexpr int locality(int cache) { return 4 - cache; }

}  // namespace patina::kernels
