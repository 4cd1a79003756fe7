#include "tokenizer/byte_level.h"

#include <array>
#include <unordered_map>

#include "tokenizer/utf8.h"

namespace patina::tokenizer {
namespace {

constexpr bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<uint16_t, 256> code_points() {
  std::array<uint16_t, 256> points{};
  uint16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    points[byte] = stands_for_itself(byte) ? static_cast<uint16_t>(byte) : next++;
  }
  return points;
}

constexpr std::array<uint16_t, 256> kCodePoints = code_points();

}  // namespace

std::string byte_level_character(uint8_t byte) {
  const uint16_t point = kCodePoints[byte];
  if (point < 0x80) return {static_cast<char>(point)};
  return {static_cast<char>(0xC0 | (point >> 6)), static_cast<char>(0x80 | (point & 0x3F))};
}

std::string byte_level_decode(std::string_view text) {
  static const std::unordered_map<std::string, char> bytes = [] {
    std::unordered_map<std::string, char> map;
    for (int byte = 0; byte < 256; ++byte) {
      map.emplace(byte_level_character(static_cast<uint8_t>(byte)), static_cast<char>(byte));
    }
    return map;
  }();
  std::string decoded;
  while (!text.empty()) {
    const std::string character(text.substr(0, first_character(text).length));
    const auto found = bytes.find(character);
    if (found != bytes.end()) {
      decoded += found->second;
    } else {
      decoded += character;
    }
    text.remove_prefix(character.size());
  }
  return decoded;
}

}  // namespace patina::tokenizer
