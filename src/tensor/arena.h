#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "platform/huge_buffer.h"

namespace patina::tensor {

// Memory for many blocks of changing sizes, of which those taken last mostly come back first. A block is put at the
// lowest free place that holds it, and free places next to each other are one; so what is ever touched stays close to
// the most that was in use at once. Pages stay with the process until trim(). Not thread safe.
class Arena {
 public:
  static constexpr size_t kAlignment = platform::kCacheLineBytes;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // At least one byte. Contents are undefined. Throws kOutOfMemory.
  std::byte* take(size_t bytes);
  // What take() gave for so many bytes.
  void put_back(std::byte* block, size_t bytes);
  // Gives the pages of free places back to the system.
  void trim();

  // Bytes of the blocks that are out.
  size_t used_bytes() const { return used_; }
  // Bytes that have been touched since they were last given back, about, and the most there ever were.
  size_t bytes() const { return bytes_; }
  size_t peak_bytes() const { return peak_; }

 private:
  // An address range, of which pages take memory once they are touched.
  struct Region {
    platform::HugeBuffer memory;
    std::map<size_t, size_t> free;  // offsets and sizes
    size_t touched = 0;             // from the beginning
  };

  static size_t padded(size_t bytes);
  std::byte* take_from(Region& region, std::map<size_t, size_t>::iterator place, size_t size);
  Region& add_region(size_t size);
  void set_touched(Region& region, size_t touched);

  std::vector<Region> regions_;
  size_t used_ = 0;
  size_t bytes_ = 0;
  size_t peak_ = 0;
};

}  // namespace patina::tensor
