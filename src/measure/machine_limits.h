#pragma once

#include "kernels/dispatch.h"
#include "threading/thread_pool.h"

namespace patina::measure {

// What some threads of this machine do at best, whatever program runs on them. 0: not known (the scalar level's peaks).
struct MachineLimits {
  double read_bandwidth = 0;  // bytes of memory read in a second, from huge pages that no cache holds
  double int8_peak = 0;       // multiply-adds in a second, of kernels::PeakKernels
  double int16_peak = 0;
  double f32_peak = 0;
};

// Measures them with all threads of the pool at once: the best of several tries, some tenths of a second in all. Takes
// 512 MiB of memory meanwhile, less where a quarter of what is available is less. Throws kOutOfMemory.
MachineLimits measure_limits(ThreadPool& pool, const kernels::Kernels& kernels);

}  // namespace patina::measure
