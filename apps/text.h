#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace patina::apps {

// Replaces \n \r \t \' \" \\ and \xHH by what they stand for; any other backslash stays.
std::string unescape(std::string_view text);

// The whole file as it is, less one line end at its end. "-" is the standard input. Throws kNotFound, kIo.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace patina::apps
