#include "platform/cores.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "platform/cgroup.h"

namespace patina::platform {

namespace {

namespace fs = std::filesystem;

std::string read_of_processor(int processor, const char* file, const fs::path& root) {
  return read_small_file(root / "sys/devices/system/cpu" / ("cpu" + std::to_string(processor)) / file);
}

// Processors of one core list the same siblings; where the system does not tell, each is its own core.
std::string core_of(int processor, const fs::path& root) {
  std::string siblings = read_of_processor(processor, "topology/thread_siblings_list", root);
  return siblings.empty() ? std::to_string(processor) : siblings;
}

// Those that the file rates at two thirds of the best or more; all where it does not rate each. Cores of one kind
// differ by less (some may clock a little higher), kinds by more.
std::vector<int> best_rated(const std::vector<int>& processors, const char* file, const fs::path& root) {
  std::vector<uint64_t> ratings;
  for (const int processor : processors) {
    const std::optional<uint64_t> rating = leading_number(read_of_processor(processor, file, root));
    if (!rating) return processors;
    ratings.push_back(*rating);
  }
  std::vector<int> best;
  const uint64_t highest = ratings.empty() ? 0 : *std::max_element(ratings.begin(), ratings.end());
  for (size_t i = 0; i < processors.size(); ++i) {
    if (ratings[i] >= highest - highest / 3) best.push_back(processors[i]);
  }
  return best;
}

// Without the slower kinds. Intel's hybrid processors have a list of each kind; others tell the capacity of each
// processor, or at least its highest frequency.
std::vector<int> fastest_kind(const std::vector<int>& processors, const fs::path& root) {
  const std::vector<int> performance = parse_processor_list(read_small_file(root / "sys/devices/cpu_core/cpus"));
  std::vector<int> fast;
  for (const int processor : processors) {
    if (std::find(performance.begin(), performance.end(), processor) != performance.end()) fast.push_back(processor);
  }
  if (!fast.empty()) return fast;
  return best_rated(best_rated(processors, "cpu_capacity", root), "cpufreq/cpuinfo_max_freq", root);
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

int within_quota(int usable, const fs::path& root) {
  const CgroupLevels levels = cgroup_levels(root, "cpu");
  for (const fs::path& folder : levels.folders) {
    usable = std::min(usable, quota(folder, levels.version).value_or(usable));
  }
  return std::max(usable, 1);
}

}  // namespace

std::vector<int> allowed_processors(int process) {
  // The kernel refuses a mask smaller than its own; no machine has this many processors.
  constexpr size_t kMaxProcessors = 8192;
  std::vector<int> processors;
  cpu_set_t* mask = CPU_ALLOC(kMaxProcessors);
  if (mask == nullptr) return processors;
  const size_t bytes = CPU_ALLOC_SIZE(kMaxProcessors);
  if (::sched_getaffinity(process, bytes, mask) == 0) {
    for (size_t i = 0; i < kMaxProcessors; ++i) {
      if (CPU_ISSET_S(i, bytes, mask)) processors.push_back(static_cast<int>(i));
    }
  }
  CPU_FREE(mask);
  return processors;
}

std::vector<int> parse_processor_list(std::string_view text) {
  constexpr uint64_t kMost = 1 << 16;
  std::vector<int> processors;
  while (!text.empty()) {
    const std::string_view range = text.substr(0, text.find(','));
    text.remove_prefix(std::min(range.size() + 1, text.size()));
    const size_t dash = range.find('-');
    const std::optional<uint64_t> first = leading_number(range);
    const std::optional<uint64_t> last =
        dash == std::string_view::npos ? first : leading_number(range.substr(dash + 1));
    if (!first || !last || *last >= kMost) return {};
    for (uint64_t i = *first; i <= *last; ++i) processors.push_back(static_cast<int>(i));
  }
  return processors;
}

int usable_processors(const std::vector<int>& processors, const fs::path& root) {
  return within_quota(static_cast<int>(processors.size()), root);
}

int usable_processors() { return usable_processors(allowed_processors(), "/"); }

int usable_cores(const std::vector<int>& processors, const fs::path& root) {
  std::set<std::string> cores;
  for (const int processor : fastest_kind(processors, root)) cores.insert(core_of(processor, root));
  return within_quota(static_cast<int>(cores.size()), root);
}

int default_threads() { return usable_cores(allowed_processors(), "/"); }

int threads_to_use(int asked) { return asked > 0 ? std::min(asked, usable_processors()) : default_threads(); }

}  // namespace patina::platform
