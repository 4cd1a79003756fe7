#pragma once

#include <cstddef>
#include <span>
#include <thread>
#include <vector>

namespace patina::platform {

// Touches every page of parts of mapped files, one after the other, on a thread of its own, so that what is still on
// disk is in memory by the time that others come to it. Destruction ends it early. The parts must stay mapped until
// then.
class ReadAhead {
 public:
  explicit ReadAhead(std::vector<std::span<const std::byte>> parts);

 private:
  std::jthread thread_;
};

}  // namespace patina::platform
