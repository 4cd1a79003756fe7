#include "platform/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/error.h"
#include "platform/os_error.h"
#include "platform/sync_folder.h"

namespace patina::platform {

namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kMaxWriteBytes = size_t{1} << 30;  // write(2) takes at most 2 GiB at once
constexpr int kMaxNames = 1000;

fs::path follow_link(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  fs::path target = fs::weakly_canonical(path, error);
  return error ? path : target;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(path), target_(follow_link(path)) {
  std::error_code error;
  const fs::file_status status = fs::status(target_, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail(ErrorKind::kIo, "cannot write {}: it exists and is no regular file; choose another path", path_.string());
  }
  create_temporary();
  if (fs::is_regular_file(status)) ::fchmod(fd_.get(), static_cast<mode_t>(status.permissions()) & 07777U);
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::create_temporary() {
  for (int i = 0; i < kMaxNames; ++i) {
    fs::path candidate = target_;
    candidate += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(i);
    const int fd = ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    const int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
      fd_ = FileDescriptor(fd);
      temporary_ = std::move(candidate);
      return;
    }
    if (error != EEXIST) fail_write("create a file beside it", error);
  }
  fail_write("create a file beside it", EEXIST);
}

void AtomicFile::write(std::span<const std::byte> data) {
  size_ += data.size();
  if (buffer_.size() + data.size() > kBufferBytes) flush();
  if (data.size() >= kBufferBytes) {
    write_through(data);
  } else {
    buffer_.insert(buffer_.end(), data.begin(), data.end());
  }
}

void AtomicFile::write_through(std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd_.get(), data.data(), std::min(data.size(), kMaxWriteBytes));
    const int error = written < 0 ? errno : ENOSPC;
    if (written < 0 && error == EINTR) continue;
    if (written <= 0) fail_write("write to the disk", error);
    data = data.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void AtomicFile::commit() {
  flush();
  if (::fsync(fd_.get()) != 0) fail_write("write to the disk", errno);
  if (fd_.close() != 0) fail_write("write to the disk", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_write("rename the finished file", errno);
  temporary_.clear();
  sync_folder(target_.parent_path());
}

void AtomicFile::fail_write(std::string_view action, int error) const {
  fail(ErrorKind::kIo, "cannot save {}: could not {} ({}); what was there before is unchanged", path_.string(), action,
       os_message(error));
}

void write_file_atomically(const fs::path& path, std::string_view data) {
  AtomicFile file(path);
  file.write(data);
  file.commit();
}

}  // namespace patina::platform
