#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace patina::engine {

// While this lives the process gets at most `spare` bytes more of the system.
class ScarceMemory {
 public:
  explicit ScarceMemory(size_t spare) {
    ::getrlimit(RLIMIT_AS, &before_);
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limit = {pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + spare, before_.rlim_max};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  ~ScarceMemory() { ::setrlimit(RLIMIT_AS, &before_); }
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace patina::engine
