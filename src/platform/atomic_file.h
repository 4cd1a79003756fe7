#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "platform/file_descriptor.h"

namespace patina::platform {

// Writes a file so that its path holds either what was there before or the whole new content, whatever happens in
// between: bytes go to a temporary file beside it (same folder, so the same disk), which commit() syncs and renames
// over the path. Without commit() the temporary file is removed on destruction and the path is as it was. A symbolic
// link is followed, an existing file's permissions are kept. Every failure (a full disk included) throws kIo with a
// sentence that names the path. Not for use by several threads at once.
class AtomicFile {
 public:
  // Refuses (kIo) a path that exists and is no regular file.
  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> data);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Bytes given to write() so far.
  uint64_t size() const { return size_; }

  // To be called once, last.
  void commit();

 private:
  void create_temporary();
  void write_through(std::span<const std::byte> data);
  void flush();
  [[noreturn]] void fail_write(std::string_view action, int error) const;

  std::filesystem::path path_;  // what the user named
  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty when there is none to remove
  FileDescriptor fd_;
  std::vector<std::byte> buffer_;
  uint64_t size_ = 0;
};

// The whole of `data` as the new content of `path`.
void write_file_atomically(const std::filesystem::path& path, std::string_view data);

}  // namespace patina::platform
