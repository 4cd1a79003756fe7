#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace patina::platform {

// How a mapped file is about to be read. Normally the system reads megabytes around what is touched, at random only
// that.
enum class AccessHint { kNormal, kRandom };

// A regular file mapped read-only as a whole. Move-only; the bytes stay at their address when the object moves. Safe
// to share between threads. Start address is a page's.
class MappedFile {
 public:
  // Throws kNotFound when there is no such file, kIo when it is no regular file or cannot be opened or mapped. An empty
  // file maps to an empty span.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  uint64_t size() const { return bytes_.size(); }
  bool contains(std::span<const std::byte> part) const;

  // Hints only: failures are of no consequence and are ignored. `part` must lie within bytes(). drop() lets go of the
  // pages that lie wholly within `part`; they are read again from disk when touched.
  void advise(AccessHint hint) const noexcept;
  void drop(std::span<const std::byte> part) const noexcept;

 private:
  void unmap() noexcept;

  std::span<const std::byte> bytes_;
};

}  // namespace patina::platform
