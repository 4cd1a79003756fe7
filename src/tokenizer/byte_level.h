#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace patina::tokenizer {

// The reversible spelling of bytes as printable characters that GPT-2 introduced (openai/gpt-2, encoder.py,
// bytes_to_unicode): printable Latin-1 bytes stand for themselves, the others for U+0100 onward in order.

// The character that spells `byte`, as UTF-8.
std::string byte_level_character(uint8_t byte);

// The bytes that `text` spells. Characters that spell no byte stay as they are.
std::string byte_level_decode(std::string_view text);

}  // namespace patina::tokenizer
