#pragma once

#include <cstddef>
#include <span>

namespace patina::platform {

constexpr size_t kCacheLineBytes = 64;
constexpr size_t kHugePageBytes = size_t{2} << 20;

// Zeroed memory for large arrays, straight from the system and given back to it at once on destruction. At least
// 64-byte aligned; from 2 MiB on, aligned to 2 MiB with huge pages asked for (a TLB entry then covers 512 times more).
// Pages take memory only once they are touched. Move-only; the bytes stay at their address when the object moves.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  // Throws kOutOfMemory that names the size. 0 bytes give an empty buffer.
  explicit HugeBuffer(size_t bytes);
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;
  HugeBuffer(const HugeBuffer&) = delete;
  HugeBuffer& operator=(const HugeBuffer&) = delete;
  ~HugeBuffer();

  size_t size() const { return bytes_.size(); }
  std::byte* data() const { return bytes_.data(); }
  std::span<std::byte> bytes() const { return bytes_; }
  // Gives the pages that lie wholly within these bytes back to the system; touched again, they are zero.
  void give_back(size_t offset, size_t count) noexcept;
  // As many whole T as fit. The buffer stays the owner.
  template <typename T>
  std::span<T> as() const {
    static_assert(alignof(T) <= kCacheLineBytes);
    return {reinterpret_cast<T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }

 private:
  void release() noexcept;

  std::span<std::byte> mapping_;  // what the system gave
  std::span<std::byte> bytes_;    // the aligned part of it that is used
};

}  // namespace patina::platform
