#include "train/data/json_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "train/data/row_fields.h"
#include "train/data/text_lines.h"

namespace patina::train {
namespace {

using nlohmann::json;

// The parser's own words, without where it stands: "syntax error while parsing object - ...".
std::string reason_of(const json::parse_error& error) {
  const std::string what = error.what();
  const size_t begin = what.find("syntax error");
  return begin == std::string::npos ? what : what.substr(begin);
}

char character_at(std::string_view text, size_t at) { return at < text.size() ? text[at] : '\0'; }

// Behind the string whose opening quote is at `at`.
size_t skip_string(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

// Behind the value that begins at `at`: the bracket that closes the one there, or what cannot belong to a value.
size_t skip_value(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    const bool closes = c == '}' || c == ']';
    if (depth == 0 && (c == ',' || closes)) return at;
    if (c == '{' || c == '[') ++depth;
    if (closes && --depth == 0) return at + 1;
    ++at;
  }
  return text.size();
}

// Behind the part's last character that is no white space.
size_t trimmed_end(std::string_view text, TextSpan part) {
  const std::string_view inside = trimmed(text.substr(part.begin, part.size()));
  return inside.empty() ? part.begin : static_cast<size_t>(inside.data() - text.data()) + inside.size();
}

}  // namespace

json parse_json(std::string_view text, TextSpan part) {
  const std::string_view bytes = text.substr(part.begin, trimmed_end(text, part) - part.begin);
  try {
    return json::parse(bytes.begin(), bytes.end());
  } catch (const json::parse_error& error) {
    const size_t read = error.byte > 0 ? error.byte - 1 : 0;
    throw RowError(part.begin + std::min(read, bytes.size()), fmt::format("no valid JSON: {}", reason_of(error)));
  } catch (const json::exception& error) {  // a number out of range
    throw RowError(part.begin, fmt::format("no valid JSON: {}", error.what()));
  }
}

bool JsonLineRows::recognises(std::string_view text) {
  const size_t begin = skip_space(text, 0);
  if (character_at(text, begin) != '{') return false;
  const char next = character_at(text, skip_space(text, begin + 1));
  return next == '"' || next == '}';
}

std::optional<TextSpan> JsonLineRows::find(size_t from) const {
  const size_t line = skip_blank_lines(text_, from);
  if (line == text_.size()) return std::nullopt;
  return TextSpan{skip_space(text_, line), line_at(text_, line).next};
}

Row JsonLineRows::parse(TextSpan row) const {
  if (trimmed(text_.substr(row.begin, row.size())) == "{") {
    throw RowError(row.begin,
                   "this object goes on in the next line; write each in one line, or all as an array [{...}, {...}]");
  }
  return row_from_fields(parse_json(text_, row), row.begin);
}

JsonArrayRows::JsonArrayRows(std::string_view text) : text_(text), first_(skip_space(text, 0) + 1) {}

bool JsonArrayRows::recognises(std::string_view text) {
  const size_t begin = skip_space(text, 0);
  if (character_at(text, begin) != '[') return false;
  return character_at(text, skip_space(text, begin + 1)) == '{';
}

std::optional<TextSpan> JsonArrayRows::find(size_t from) const {
  if (from > text_.size()) return std::nullopt;
  size_t at = skip_space(text_, std::max(from, first_));
  if (from > first_ && character_at(text_, at) == ',') at = skip_space(text_, at + 1);
  if (character_at(text_, at) != ']')
    return TextSpan{at, std::max(skip_value(text_, at), std::min(at + 1, text_.size()))};
  const size_t behind = skip_space(text_, at + 1);
  if (behind == text_.size()) return std::nullopt;
  return TextSpan{at, text_.size()};
}

Row JsonArrayRows::parse(TextSpan row) const {
  if (row.size() == 0) throw RowError(row.begin, "the array ends without \"]\"; the file may have been cut short");
  if (text_[row.begin] == ']') throw RowError(row.begin, "text behind the end of the array; remove it");
  return row_from_fields(parse_json(text_, row), row.begin);
}

}  // namespace patina::train
