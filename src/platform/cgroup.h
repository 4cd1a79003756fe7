#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patina::platform {

// The control groups that this process is in, from its own up to the root, for one controller ("memory", "cpu"), of
// version 1 or 2. Limits hold at every level, so that the tightest counts. `root` stands in for "/".
// Interface: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
struct CgroupLevels {
  int version = 2;
  std::vector<std::filesystem::path> folders;  // may name folders that do not exist
};

CgroupLevels cgroup_levels(const std::filesystem::path& root, std::string_view controller);

// The whole of a small file of /proc or /sys; empty when it cannot be read.
std::string read_small_file(const std::filesystem::path& path);
// The number that the text begins with; nothing for "max" and other words.
std::optional<uint64_t> leading_number(std::string_view text);
// The number after the line's first word `key` ("MemAvailable:    123 kB" → 123).
std::optional<uint64_t> number_after(std::string_view text, std::string_view key);

}  // namespace patina::platform
