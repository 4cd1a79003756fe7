#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace patina::io {

static_assert(std::endian::native == std::endian::little, "files are read and written in the machine's byte order");

// A cursor over the bytes of a little-endian file that never leaves them. Reading past the end throws kInvalidData,
// naming the source (the file) and what was being read. Holds views: bytes and source must outlive it.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view source) : bytes_(bytes), source_(source) {}

  template <typename T>
    requires std::is_arithmetic_v<T>
  T read(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::span<const std::byte> take(uint64_t size, std::string_view what) {
    if (size > remaining()) {
      fail(ErrorKind::kInvalidData, "{} is truncated or corrupt: {} at byte {} lies beyond its end", source_, what,
           offset_);
    }
    const auto part = bytes_.subspan(offset_, size);
    offset_ += size;
    return part;
  }

  std::string take_string(uint64_t size, std::string_view what) {
    const auto part = take(size, what);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  uint64_t offset() const { return offset_; }
  uint64_t remaining() const { return bytes_.size() - offset_; }
  std::string_view source() const { return source_; }

 private:
  std::span<const std::byte> bytes_;
  std::string_view source_;
  size_t offset_ = 0;
};

}  // namespace patina::io
