#pragma once

#include <filesystem>
#include <vector>

namespace patina::platform {

// The logical processors that this process may run on (its affinity mask), ascending.
std::vector<int> allowed_processors();

// How many of these are physical cores, hyper-threads of one core counted once, and no more than the control group's
// CPU quota allows (rounded up). At least 1. `root` stands in for "/".
int usable_cores(const std::vector<int>& processors, const std::filesystem::path& root);

// Threads to use when the user names no number: usable_cores() of this process. Two hyper-threads of a core share its
// vector units, so that a second one gains nothing in matrix products.
int default_threads();

}  // namespace patina::platform
