#include "platform/memory.h"

#include <algorithm>
#include <optional>
#include <string>

#include "platform/cgroup.h"

namespace patina::platform {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kKibibyte = 1024;

struct GroupFiles {
  const char* limit;
  const char* usage;
  const char* cache_key;  // in memory.stat: file cache that the kernel drops before it refuses memory
};

constexpr GroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file"};

// What is left under one group's limit; nothing when it has none.
std::optional<uint64_t> left_in_group(const fs::path& folder, const GroupFiles& files) {
  const auto limit = leading_number(read_small_file(folder / files.limit));
  if (!limit.has_value()) return std::nullopt;
  const uint64_t used = leading_number(read_small_file(folder / files.usage)).value_or(0);
  const uint64_t cache = number_after(read_small_file(folder / "memory.stat"), files.cache_key).value_or(0);
  const uint64_t taken = used - std::min(used, cache);
  return *limit - std::min(*limit, taken);
}

uint64_t status_bytes(std::string_view key) {
  return number_after(read_small_file("/proc/self/status"), key).value_or(0) * kKibibyte;
}

}  // namespace

uint64_t available_memory(const fs::path& root) {
  uint64_t available = number_after(read_small_file(root / "proc/meminfo"), "MemAvailable:").value_or(0) * kKibibyte;
  const CgroupLevels levels = cgroup_levels(root, "memory");
  for (const fs::path& folder : levels.folders) {
    const auto left = left_in_group(folder, levels.version == 1 ? kVersion1 : kVersion2);
    if (left.has_value()) available = available == 0 ? *left : std::min(available, *left);
  }
  return available;
}

uint64_t available_memory() { return available_memory("/"); }

uint64_t resident_memory() { return status_bytes("VmRSS:"); }

uint64_t peak_resident_memory() { return status_bytes("VmHWM:"); }

}  // namespace patina::platform
