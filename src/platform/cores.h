#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace patina::platform {

// The logical processors that a process may run on (its affinity mask), ascending; 0: this process. Empty for one that
// is not there.
std::vector<int> allowed_processors(int process = 0);

// What a list of /sys names: "0-3,8" is 0, 1, 2, 3, 8. Empty where the text is no such list.
std::vector<int> parse_processor_list(std::string_view text);

// How many of these can run at the same time: no more than the control group's CPU quota allows (rounded up). At least
// 1. `root` stands in for "/".
int usable_processors(const std::vector<int>& processors, const std::filesystem::path& root);
int usable_processors();  // of this process

// The same for physical cores, hyper-threads of one core counted once, and only the fastest kind where the machine has
// several (performance and efficiency cores).
int usable_cores(const std::vector<int>& processors, const std::filesystem::path& root);

// Threads to use when the user names no number: usable_cores() of this process. Two hyper-threads of a core share its
// vector units, so that a second one gains nothing in matrix products; a slow core makes the fast ones wait for it.
int default_threads();

// Threads to use when the user names this number: no more than usable_processors() of this process, where more would
// only take turns with each other; 0 or less: default_threads().
int threads_to_use(int asked);

}  // namespace patina::platform
