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

// Calls madvise on the pages that lie wholly within `part` (inner) or touch it (outer).
void advise_pages(std::span<const std::byte> part, int advice, bool inner) noexcept {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t end = begin + part.size();
  const uintptr_t first = (inner ? begin + page - 1 : begin) / page * page;
  const uintptr_t last = (inner ? end : end + page - 1) / page * page;
  if (last <= first) return;
  const auto skipped = static_cast<std::ptrdiff_t>(first) - static_cast<std::ptrdiff_t>(begin);
  ::madvise(const_cast<std::byte*>(part.data()) + skipped, last - first, advice);
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

void MappedFile::advise(std::span<const std::byte> part, AccessHint hint) const noexcept {
  const int advice = hint == AccessHint::kSequential ? MADV_SEQUENTIAL
                     : hint == AccessHint::kWillNeed ? MADV_WILLNEED
                                                     : MADV_NORMAL;
  advise_pages(part, advice, false);
}

void MappedFile::drop(std::span<const std::byte> part) const noexcept { advise_pages(part, MADV_DONTNEED, true); }

void MappedFile::unmap() noexcept {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  bytes_ = {};
}

}  // namespace patina::platform
