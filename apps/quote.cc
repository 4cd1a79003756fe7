#include "apps/quote.h"

#include <fmt/format.h>

#include "tokenizer/utf8.h"

namespace patina::apps {

namespace {

std::string escaped(char c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\'':
      return "\\'";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte >= 0x7F ? fmt::format("\\x{:02X}", byte) : std::string(1, c);
}

}  // namespace

std::string quote(std::string_view text, size_t max_bytes) {
  std::string result = "'";
  size_t begin = 0;
  while (begin < text.size()) {
    const auto [status, length] = tokenizer::first_character(text.substr(begin));
    if (begin + length > max_bytes) break;
    if (length > 1 && status == tokenizer::Utf8Status::kComplete) {
      result += text.substr(begin, length);
    } else {
      for (const char c : text.substr(begin, length)) result += escaped(c);
    }
    begin += length;
  }
  return result + (begin < text.size() ? "'..." : "'");
}

}  // namespace patina::apps
