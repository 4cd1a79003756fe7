#pragma once

#include <cstdint>
#include <filesystem>

namespace patina::platform {

// Bytes that this process can still take: what the system has available, or what is left under the control group's
// limit (containers) where that is less. Reclaimable file cache of the group counts as available. 0 when unknown.
uint64_t available_memory();

// The same, reading a file tree that stands in for "/" (for tests).
uint64_t available_memory(const std::filesystem::path& root);

// Bytes of this process's memory that are resident, mapped files included; 0 when unknown.
uint64_t resident_memory();
// The most it has been since the process began.
uint64_t peak_resident_memory();

}  // namespace patina::platform
