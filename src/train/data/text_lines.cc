#include "train/data/text_lines.h"

#include <algorithm>

namespace patina::train {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
constexpr std::string_view kIdeographicSpace = "\u3000";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

std::string_view indentation(std::string_view line) {
  size_t end = 0;
  while (end < line.size()) {
    if (line[end] == ' ' || line[end] == '\t') {
      ++end;
    } else if (line.substr(end).starts_with(kIdeographicSpace)) {
      end += kIdeographicSpace.size();
    } else {
      break;
    }
  }
  return line.substr(0, end);
}

bool is_blank(std::string_view line) { return trimmed(line.substr(indentation(line).size())).empty(); }

Line line_at(std::string_view text, size_t begin) {
  const size_t newline = std::min(text.find('\n', begin), text.size());
  const size_t end = std::min(text.substr(0, newline).find('\r', begin), newline);
  size_t next = end;
  if (next < text.size() && text[next] == '\r') ++next;
  if (next < text.size() && text[next] == '\n') ++next;
  Line line{.begin = begin, .text = text.substr(begin, end - begin), .next = next};
  while (line.text.starts_with(kByteOrderMark)) line.text.remove_prefix(kByteOrderMark.size());
  return line;
}

size_t skip_blank_lines(std::string_view text, size_t from) {
  while (from < text.size()) {
    const Line line = line_at(text, from);
    if (!is_blank(line.text)) return from;
    from = line.next;
  }
  return text.size();
}

size_t skip_space(std::string_view text, size_t from) {
  if (from == 0 && text.starts_with(kByteOrderMark)) from = kByteOrderMark.size();
  return std::min(text.find_first_not_of(kWhiteSpace, from), text.size());
}

TextPosition position_in(std::string_view text, size_t offset, const TextPosition& known) {
  TextPosition position{.line = known.line, .column = 1, .line_begin = known.line_begin};
  while (position.line_begin < offset) {
    const Line line = line_at(text, position.line_begin);
    const bool has_end = text[line.next - 1] == '\n' || text[line.next - 1] == '\r';
    if (line.next > offset || !has_end) break;
    position.line_begin = line.next;
    ++position.line;
  }
  for (const char c : text.substr(position.line_begin, offset - position.line_begin)) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++position.column;
  }
  return position;
}

}  // namespace patina::train
