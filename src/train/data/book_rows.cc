#include "train/data/book_rows.h"

#include <algorithm>
#include <string>

#include "train/data/text_lines.h"

namespace patina::train {
namespace {

constexpr size_t kSample = size_t{1} << 20;
constexpr size_t kFewestLines = 8;         // that show how a text is written
constexpr size_t kMostBytesOfAToken = 16;  // of nearly all; so a line of a whole book is not measured as one

bool ends_sentence(std::string_view line) {
  static constexpr std::string_view kEnds = ".!?:;\"'";
  return line.empty() || kEnds.find(line.back()) != std::string_view::npos;
}

// Where the character begins that the byte at `at` belongs to.
size_t character_begin(std::string_view text, size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

size_t character_end(std::string_view text, size_t begin) {
  size_t end = begin + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return end;
}

}  // namespace

bool BookRows::recognises(std::string_view text) {
  text = text.substr(0, kSample);
  size_t longest = 0;
  for (size_t at = 0; at < text.size(); at = line_at(text, at).next) {
    longest = std::max(longest, line_at(text, at).text.size());
  }
  size_t followed = 0;
  size_t going_on = 0;
  std::string_view before;
  for (size_t at = 0; at < text.size(); at = line_at(text, at).next) {
    const std::string_view line = trimmed(line_at(text, at).text);
    if (!before.empty() && !line.empty()) {
      ++followed;
      const bool is_long = before.size() * 2 > longest;
      if (is_long && !ends_sentence(before) && line.front() >= 'a' && line.front() <= 'z') ++going_on;
    }
    before = line;
  }
  return followed >= kFewestLines && going_on * 2 > followed;
}

std::optional<TextSpan> BookRows::find(size_t from) const {
  const size_t begin = skip_blank_lines(text_, from);
  if (begin == text_.size()) return std::nullopt;
  for (size_t most = most_; most > 0;) {
    size_t end = end_of_lines(begin, most);
    if (end == begin) end = end_within_line(begin, most);
    // Lines measured one by one may take a little less than together.
    const size_t taken = measured(begin, end);
    if (taken <= most_) return TextSpan{begin, end};
    most -= std::min(most, taken - most_);
  }
  return TextSpan{begin, character_end(text_, begin)};
}

Row BookRows::parse(TextSpan row) const {
  std::string text;
  for (size_t at = row.begin; at < row.end;) {
    const Line line = line_at(text_.substr(0, row.end), at);
    text.append(line.text).append("\n");
    at = line.next;
  }
  Row result = text_row(std::string(trimmed(text)));
  result.ends = skip_blank_lines(text_, row.end) == text_.size();
  return result;
}

// The end of the last whole line that fits, or of the last paragraph; `begin` where none does.
size_t BookRows::end_of_lines(size_t begin, size_t most) const {
  size_t taken = 0;
  size_t end = begin;
  size_t paragraph = begin;
  while (end < text_.size()) {
    const Line line = line_at(text_, end);
    if (line.text.size() > most * kMostBytesOfAToken) break;
    taken += measured(end, line.next);
    if (taken > most) break;
    if (is_blank(line.text)) paragraph = end;
    end = line.next;
  }
  if (end == text_.size() || is_blank(line_at(text_, end).text)) return end;
  return (paragraph - begin) * 2 >= end - begin ? paragraph : end;
}

// Behind as much of the line as fits, at a space if there is one.
size_t BookRows::end_within_line(size_t begin, size_t most) const {
  const size_t line_end = line_at(text_, begin).next;
  size_t fits = character_end(text_, begin);
  size_t too_far = std::min(line_end, begin + most * kMostBytesOfAToken) + 1;
  while (too_far - fits > 1) {
    const size_t middle = character_begin(text_, fits + (too_far - fits) / 2);
    if (middle <= fits) break;
    (measured(begin, middle) <= most ? fits : too_far) = middle;
  }
  if (fits == line_end) return fits;
  const size_t space = text_.substr(begin, fits - begin).rfind(' ');
  return space == std::string_view::npos || space == 0 ? fits : begin + space + 1;
}

}  // namespace patina::train
