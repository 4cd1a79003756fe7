#pragma once

#include <cstdint>
#include <filesystem>

// Whether a run finds the memory and the disk space that it needs.
namespace patina::train {

// Bytes that this process may take beyond what it has: what the system has available, and no more than the rest of
// `most` for the whole process, where that is not 0. 0 when unknown.
uint64_t memory_to_take(uint64_t most);

// Throws kIo where the file system of `file` has no room for so many bytes more.
void require_disk_space(const std::filesystem::path& file, uint64_t bytes);

double gibibytes(uint64_t bytes);

}  // namespace patina::train
