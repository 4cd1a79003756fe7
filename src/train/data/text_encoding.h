#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "train/data/row.h"

namespace patina::train {

// How the bytes of a training file are to be read. kAuto: UTF-8, or UTF-16 where its byte order mark or the pattern of
// its zero bytes shows it.
enum class TextEncoding { kAuto, kUtf8, kUtf16, kGb18030 };

// By the name a user gives to --encoding: "auto", "utf-8", "utf-16", "gb18030" ("gbk" and "gb2312", parts of it, too).
// Case and '-' or '_' do not matter. Empty for an unknown one.
std::optional<TextEncoding> text_encoding_from_name(std::string_view name);

// The bytes as UTF-8 where they are text of another encoding; empty where they are to be taken as UTF-8 as they are.
// Throws kInvalidData for bytes that are no such text, with a sentence that begins with `source` and the line.
std::optional<std::string> converted_to_utf8(std::string_view bytes, TextEncoding encoding, std::string_view source);

// Throws RowError unless this part of the text is UTF-8 without NUL characters; names the --encoding to try.
void check_utf8(std::string_view text, TextSpan part);

}  // namespace patina::train
