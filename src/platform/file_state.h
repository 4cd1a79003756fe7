#pragma once

#include <sys/stat.h>

#include <filesystem>

#include "platform/file_descriptor.h"

namespace patina::platform {

// Remembers what a file was, to notice that another program has written to it: memory that is mapped from a file that
// was cut short can no longer be read. A file of the same name that takes its place is another one. Safe to share
// between threads.
class FileState {
 public:
  // Throws kIo where the file cannot be opened.
  explicit FileState(const std::filesystem::path& path);

  // Whether its size or the time when it was written has changed since.
  bool changed() const;

 private:
  FileDescriptor file_;
  struct stat status_ = {};
};

}  // namespace patina::platform
