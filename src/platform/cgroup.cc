#include "platform/cgroup.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace patina::platform {

namespace {

namespace fs = std::filesystem;

bool lists_controller(std::string_view list, std::string_view controller) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (list.substr(0, comma) == controller) return true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return false;
}

// The folder of the group itself and those above it. Inside a container the path of /proc/self/cgroup often is the
// host's and does not exist; the mount's own root is then the container's group, and it is always the last.
std::vector<fs::path> upward(const fs::path& mount, fs::path group) {
  std::vector<fs::path> folders;
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) folders.push_back(mount / group);
  folders.push_back(mount);
  return folders;
}

}  // namespace

CgroupLevels cgroup_levels(const fs::path& root, std::string_view controller) {
  const fs::path mount = root / "sys/fs/cgroup";
  CgroupLevels levels;
  levels.folders = {mount};
  std::istringstream lines(read_small_file(root / "proc/self/cgroup"));
  // Each line: hierarchy number, controllers, path.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (lists_controller(controllers, controller)) return {1, upward(mount / controller, group)};
    if (controllers.empty()) levels.folders = upward(mount, group);
  }
  return levels;
}

std::string read_small_file(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<uint64_t> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  return number;
}

std::optional<uint64_t> number_after(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.starts_with(key) && line.size() > key.size() && (line[key.size()] == ' ' || line[key.size()] == '\t')) {
      return leading_number(line.substr(key.size()));
    }
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return std::nullopt;
}

}  // namespace patina::platform
