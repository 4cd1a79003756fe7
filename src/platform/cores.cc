#include "platform/cores.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "platform/cgroup.h"

namespace patina::platform {

namespace {

namespace fs = std::filesystem;

// Processors of one core list the same siblings; where the system does not tell, each is its own core.
std::string core_of(int processor, const fs::path& root) {
  const std::string number = std::to_string(processor);
  const fs::path topology = root / "sys/devices/system/cpu" / ("cpu" + number) / "topology";
  std::string siblings = read_small_file(topology / "thread_siblings_list");
  return siblings.empty() ? number : siblings;
}

// Whole processors' worth of time that one group may use, rounded up; nothing when it has no limit.
std::optional<int> quota(const fs::path& folder, int version) {
  std::optional<uint64_t> time;
  std::optional<uint64_t> period;
  if (version == 1) {
    time = leading_number(read_small_file(folder / "cpu.cfs_quota_us"));  // -1 without limit
    period = leading_number(read_small_file(folder / "cpu.cfs_period_us"));
  } else {
    const std::string text = read_small_file(folder / "cpu.max");  // "200000 100000", "max 100000"
    time = leading_number(text);
    const size_t space = text.find(' ');
    if (space != std::string::npos) period = leading_number(std::string_view(text).substr(space));
  }
  const uint64_t microseconds = time.value_or(0);
  const uint64_t each = period.value_or(0);
  if (microseconds == 0 || each == 0) return std::nullopt;
  constexpr uint64_t kMany = 1 << 20;
  return static_cast<int>(std::min((microseconds - 1) / each + 1, kMany));
}

}  // namespace

std::vector<int> allowed_processors() {
  // The kernel refuses a mask smaller than its own; no machine has this many processors.
  constexpr size_t kMaxProcessors = 8192;
  std::vector<int> processors;
  cpu_set_t* mask = CPU_ALLOC(kMaxProcessors);
  if (mask == nullptr) return processors;
  const size_t bytes = CPU_ALLOC_SIZE(kMaxProcessors);
  if (::sched_getaffinity(0, bytes, mask) == 0) {
    for (size_t i = 0; i < kMaxProcessors; ++i) {
      if (CPU_ISSET_S(i, bytes, mask)) processors.push_back(static_cast<int>(i));
    }
  }
  CPU_FREE(mask);
  return processors;
}

int usable_cores(const std::vector<int>& processors, const fs::path& root) {
  std::set<std::string> cores;
  for (const int processor : processors) cores.insert(core_of(processor, root));
  int usable = static_cast<int>(cores.size());
  const CgroupLevels levels = cgroup_levels(root, "cpu");
  for (const fs::path& folder : levels.folders) {
    usable = std::min(usable, quota(folder, levels.version).value_or(usable));
  }
  return std::max(usable, 1);
}

int default_threads() { return usable_cores(allowed_processors(), "/"); }

}  // namespace patina::platform
