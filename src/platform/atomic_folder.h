#pragma once

#include <filesystem>

namespace patina::platform {

// Makes a folder that appears with all its files or not at all: they are written into a temporary folder beside it,
// which commit() renames to its name. Without commit() the temporary folder goes away with all that is in it. Nothing
// is overwritten: a path that exists and is no empty folder is refused. Failures throw kIo, what exists
// kInvalidArgument, with a sentence that names the path.
class AtomicFolder {
 public:
  explicit AtomicFolder(const std::filesystem::path& path);
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  ~AtomicFolder();

  // Where the files go until commit().
  const std::filesystem::path& path() const { return temporary_; }
  // To be called once, last.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty when there is none to remove
};

}  // namespace patina::platform
