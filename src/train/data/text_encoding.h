#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patina::train {

// How the bytes of a training file are to be read. kAuto: UTF-8, or UTF-16 where its byte order mark or the pattern of
// its zero bytes shows it.
enum class TextEncoding { kAuto, kUtf8, kUtf16, kGb18030 };

// By the name a user gives to --encoding: "auto", "utf-8", "utf-16", "gb18030" ("gbk" and "gb2312", parts of it, too).
// Case and '-' or '_' do not matter. Empty for an unknown one.
std::optional<TextEncoding> text_encoding_from_name(std::string_view name);

// The text as UTF-8: without byte order marks at the beginning of lines, every line end "\n" (from "\r\n" and "\r").
// Throws kInvalidData for bytes that are no such text or hold a NUL character, with a sentence that begins with
// `source` and the line, and names the offset of the byte and the --encoding to try.
std::string decode_text(std::string_view bytes, TextEncoding encoding, std::string_view source);

}  // namespace patina::train
