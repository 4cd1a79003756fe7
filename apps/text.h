#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace patina::apps {

// Replaces \n \r \t \' \" \\ and \xHH by what they stand for; any other backslash stays.
std::string unescape(std::string_view text);

// The whole file, every byte of it. "-" is the standard input. Throws kNotFound where there is no such file, kIo for
// one that cannot be read, such as a folder.
std::string read_file(const std::filesystem::path& path);

// The same of a text: without a byte order mark and one line end at its end. Throws kInvalidData for UTF-16.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace patina::apps
