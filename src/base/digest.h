#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace patina {

// 64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): tells accidental changes, no defence against made ones.
class Digest {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) value_ = (value_ ^ static_cast<uint64_t>(byte)) * kPrime;
  }
  void add_number(uint64_t number) { add(std::bit_cast<std::array<std::byte, sizeof(number)>>(number)); }
  // With its length, so that texts one after the other cannot pass for each other.
  void add_text(std::string_view text) {
    add_number(text.size());
    add(std::as_bytes(std::span(text)));
  }
  uint64_t value() const { return value_; }

 private:
  static constexpr uint64_t kPrime = 0x100000001B3;
  uint64_t value_ = 0xCBF29CE484222325;
};

}  // namespace patina
