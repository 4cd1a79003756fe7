#include "apps/text.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <system_error>

#include "base/error.h"

namespace patina::apps {

namespace {

constexpr std::string_view kEscaped = "nrt'\"\\";
constexpr std::string_view kMeaning = "\n\r\t'\"\\";

// The byte that two hexadecimal digits stand for, or -1.
int hex_byte(std::string_view digits) {
  if (digits.size() < 2) return -1;
  int value = -1;
  const char* const first = &digits.front();
  const auto [end, error] = std::from_chars(first, first + 2, value, 16);
  return error == std::errc() && end == first + 2 && digits[0] != '-' ? value : -1;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }  // NOLINT(cppcoreguidelines-owning-memory)
};

std::string name_of(const std::filesystem::path& path) { return path == "-" ? "the standard input" : path.string(); }

std::string read_all(std::FILE* file, const std::string& name) {
  std::string text;
  std::array<char, 65536> buffer;
  size_t count = 0;
  while ((count = std::fread(buffer.data(), 1, buffer.size(), file)) > 0) text.append(buffer.data(), count);
  if (std::ferror(file) != 0) {
    fail(ErrorKind::kIo, "cannot read {}: {}", name, std::generic_category().message(errno));
  }
  return text;
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    const size_t known = escape ? kEscaped.find(text[i + 1]) : std::string_view::npos;
    const int byte = escape && text[i + 1] == 'x' ? hex_byte(text.substr(i + 2)) : -1;
    if (known != std::string_view::npos) {
      result += kMeaning[known];
      i += 1;
    } else if (byte >= 0) {
      result += static_cast<char>(byte);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string read_file(const std::filesystem::path& path) {
  if (path == "-") return read_all(stdin, name_of(path));
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) {
    const int reason = errno;
    fail(reason == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo, "cannot open {}: {}", path.string(),
         std::generic_category().message(reason));
  }
  return read_all(file.get(), path.string());
}

std::string read_text_file(const std::filesystem::path& path) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string text = read_file(path);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    fail(ErrorKind::kInvalidData, "{} is UTF-16 text; save it as UTF-8", name_of(path));
  }
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (text.ends_with('\n')) text.erase(text.size() - (text.ends_with("\r\n") ? 2 : 1));
  return text;
}

}  // namespace patina::apps
