#include "platform/huge_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <limits>
#include <utility>

#include "base/error.h"

namespace patina::platform {

HugeBuffer::HugeBuffer(size_t bytes) {
  if (bytes == 0) return;
  const bool huge = bytes >= kHugePageBytes;
  const size_t slack = huge ? kHugePageBytes : 0;  // mmap aligns to small pages only
  void* address = MAP_FAILED;
  if (bytes <= std::numeric_limits<size_t>::max() - slack) {
    address = ::mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (address == MAP_FAILED) {
    fail(ErrorKind::kOutOfMemory, "cannot get {} MiB of memory; use a smaller model, context or batch", bytes >> 20);
  }
  mapping_ = {static_cast<std::byte*>(address), bytes + slack};
  const size_t past = huge ? reinterpret_cast<uintptr_t>(address) % kHugePageBytes : 0;
  bytes_ = mapping_.subspan(past == 0 ? 0 : kHugePageBytes - past, bytes);
  if (huge) ::madvise(bytes_.data(), bytes_.size(), MADV_HUGEPAGE);  // a hint: failure costs speed only
}

HugeBuffer::HugeBuffer(HugeBuffer&& other) noexcept
    : mapping_(std::exchange(other.mapping_, {})), bytes_(std::exchange(other.bytes_, {})) {}

HugeBuffer& HugeBuffer::operator=(HugeBuffer&& other) noexcept {
  if (this != &other) {
    release();
    mapping_ = std::exchange(other.mapping_, {});
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

HugeBuffer::~HugeBuffer() { release(); }

void HugeBuffer::give_back(size_t offset, size_t count) noexcept {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t begin = (offset + page - 1) / page * page;
  const size_t end = (offset + count) / page * page;
  if (begin < end) ::madvise(bytes_.data() + begin, end - begin, MADV_DONTNEED);
}

void HugeBuffer::release() noexcept {
  if (!mapping_.empty()) ::munmap(mapping_.data(), mapping_.size());
  mapping_ = {};
  bytes_ = {};
}

}  // namespace patina::platform
