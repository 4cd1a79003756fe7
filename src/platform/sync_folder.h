#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "platform/file_descriptor.h"

namespace patina::platform {

// Makes what was renamed into `folder` (empty: the current one) certain to survive a power failure. Some file systems
// cannot sync a folder: no harm.
inline void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) ::fsync(fd.get());
}

}  // namespace patina::platform
