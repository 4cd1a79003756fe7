#include "platform/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/error.h"
#include "platform/file_descriptor.h"
#include "platform/os_error.h"

namespace patina::platform {

namespace {

FileDescriptor open_for_reading(const std::filesystem::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.valid()) return fd;
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) {
    if (path.empty()) fail(ErrorKind::kNotFound, "a file's name is empty; give its path");
    fail(ErrorKind::kNotFound, "there is no file {}; check the path", path.string());
  }
  fail(ErrorKind::kIo, "cannot open {}: {}", path.string(), os_message(error));
}

uint64_t size_of_regular_file(const FileDescriptor& fd, const std::filesystem::path& path) {
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) fail(ErrorKind::kIo, "cannot examine {}: {}", path.string(), os_message(errno));
  if (S_ISDIR(status.st_mode)) fail(ErrorKind::kIo, "{} is a directory; name a file in it", path.string());
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorKind::kIo, "{} is no regular file and cannot be mapped into memory; copy it to one", path.string());
  }
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const FileDescriptor fd = open_for_reading(path);
  const uint64_t size = size_of_regular_file(fd, path);
  if (size == 0) return;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) fail(ErrorKind::kIo, "cannot map {} into memory: {}", path.string(), os_message(errno));
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

MappedFile::~MappedFile() { unmap(); }

bool MappedFile::contains(std::span<const std::byte> part) const {
  const auto begin = reinterpret_cast<uintptr_t>(bytes_.data());
  const auto part_begin = reinterpret_cast<uintptr_t>(part.data());
  return part_begin >= begin && part_begin - begin <= bytes_.size() &&
         part.size() <= bytes_.size() - (part_begin - begin);
}

void MappedFile::advise(AccessHint hint) const noexcept {
  if (bytes_.empty()) return;
  ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(),
            hint == AccessHint::kRandom ? MADV_RANDOM : MADV_NORMAL);
}

void MappedFile::drop(std::span<const std::byte> part) const noexcept {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<size_t>(part.data() - bytes_.data());
  const size_t first = (offset + page - 1) / page * page;
  const size_t last = (offset + part.size()) / page * page;
  if (first < last) ::madvise(const_cast<std::byte*>(bytes_.data()) + first, last - first, MADV_DONTNEED);
}

void MappedFile::unmap() noexcept {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  bytes_ = {};
}

}  // namespace patina::platform
