#pragma once

#include <cstdint>

#include "kernels/dispatch.h"
#include "threading/thread_pool.h"

namespace patina::measure {

// What some threads of this machine do at best, whatever program runs on them. 0: not known (the scalar level's peaks,
// and the bandwidth where there is too little memory to read).
struct MachineLimits {
  double read_bandwidth = 0;  // bytes of memory read in a second, from huge pages that no cache holds
  double int8_peak = 0;       // multiply-adds in a second, of kernels::PeakKernels
  double int16_peak = 0;
  double f32_peak = 0;
};

// How many bytes measure_limits() reads where so many are available (0: not known): 512 MiB, or a quarter of what is
// available where that is less; 0 where it is below 128 MiB, of which caches might hold much.
uint64_t bandwidth_bytes(uint64_t available);

// Measures them with all threads of the pool at once: the best of several tries, some tenths of a second in all. Takes
// the memory that it reads meanwhile. Throws kOutOfMemory.
MachineLimits measure_limits(ThreadPool& pool, const kernels::Kernels& kernels);

}  // namespace patina::measure
