#include "tokenizer/utf8.h"

#include <cstdint>

namespace patina::tokenizer {
namespace {

struct Lead {
  size_t length;       // of the whole character; 0: cannot begin one
  uint8_t second_low;  // range of the second byte
  uint8_t second_high;
};

Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Character first_character(std::string_view text) {
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  if (lead.length == 0) return {Utf8Status::kInvalid, 1};
  for (size_t i = 1; i < lead.length; ++i) {
    if (i == text.size()) return {Utf8Status::kIncomplete, i};
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint8_t low = i == 1 ? lead.second_low : 0x80;
    const uint8_t high = i == 1 ? lead.second_high : 0xBF;
    if (byte < low || byte > high) return {Utf8Status::kInvalid, i};
  }
  return {Utf8Status::kComplete, lead.length};
}

ValidText make_valid(std::string_view text) {
  bool valid = true;
  for (size_t i = 0; valid && i < text.size();) {
    const Utf8Character character = first_character(text.substr(i));
    valid = character.status == Utf8Status::kComplete;
    i += character.length;
  }
  ValidText result;
  if (valid) {
    result.text = text;
    return result;
  }
  for (size_t i = 0; i < text.size();) {
    const Utf8Character character = first_character(text.substr(i));
    const bool complete = character.status == Utf8Status::kComplete;
    const size_t length = complete ? character.length : 1;
    const std::string_view bytes = complete ? text.substr(i, length) : kReplacementCharacter;
    result.text += bytes;
    result.origins.insert(result.origins.end(), bytes.size(), i);
    i += length;
  }
  result.origins.push_back(text.size());
  return result;
}

}  // namespace patina::tokenizer
