#include "train/data/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "train/data/json_rows.h"
#include "train/data/row_fields.h"
#include "train/data/text_lines.h"

namespace patina::train {
namespace {

using nlohmann::json;

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

struct Field {
  TextSpan value;  // without the quotes around it, with the doubled ones inside
  bool quoted;
  bool closed;  // as a quoted one must be
  size_t end;   // the separator or line end behind it, or the text's end
};

Field field_at(std::string_view text, size_t begin, char separator) {
  const auto ends = [&](size_t at) { return at == text.size() || text[at] == separator || is_line_end(text[at]); };
  size_t at = begin;
  if (at == text.size() || text[at] != '"') {
    while (!ends(at)) ++at;
    return {.value = {begin, at}, .quoted = false, .closed = true, .end = at};
  }
  ++at;
  while (at < text.size() && (text[at] != '"' || (at + 1 < text.size() && text[at + 1] == '"'))) {
    at += text[at] == '"' ? 2 : 1;
  }
  Field field{.value = {begin + 1, at}, .quoted = true, .closed = at < text.size(), .end = at};
  if (field.closed) ++field.end;
  return field;
}

// The fields of the record that begins at `begin`. Behind a closing quote that no separator follows a record goes on to
// the end of its line, as a last field that begins at no separator.
std::vector<Field> record_at(std::string_view text, size_t begin, char separator) {
  std::vector<Field> fields;
  while (true) {
    fields.push_back(field_at(text, begin, separator));
    const size_t end = fields.back().end;
    if (end == text.size() || is_line_end(text[end])) return fields;
    begin = text[end] == separator ? end + 1 : end;
    if (text[end] != separator) fields.back().closed = false;
  }
}

std::string value_of(std::string_view text, const Field& field) {
  std::string value;
  for (size_t at = field.value.begin; at < field.value.end; ++at) {
    if (text[at] == '\r') {
      if (at + 1 == field.value.end || text[at + 1] != '\n') value += '\n';
      continue;
    }
    value += text[at];
    if (field.quoted && text[at] == '"') ++at;
  }
  return value;
}

std::vector<std::string> header_names(std::string_view text, size_t begin, char separator) {
  std::vector<std::string> names;
  for (const Field& field : record_at(text, begin, separator)) {
    std::string name(trimmed(value_of(text, field)));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::unique_ptr<CsvRows> CsvRows::recognise(std::string_view text) {
  const size_t begin = skip_space(text, 0);
  if (begin == text.size()) return nullptr;
  const Line header = line_at(text, begin);
  for (const char separator : {',', '\t', ';'}) {
    std::vector<std::string> names = header_names(header.text, 0, separator);
    if (!are_row_fields(names)) continue;
    return std::unique_ptr<CsvRows>(new CsvRows(text, separator, std::move(names), header.next));
  }
  return nullptr;
}

std::optional<TextSpan> CsvRows::find(size_t from) const {
  const size_t begin = skip_blank_lines(text_, std::max(from, first_));
  if (begin >= text_.size()) return std::nullopt;
  const size_t end = record_at(text_, begin, separator_).back().end;
  return TextSpan{begin, end};
}

Row CsvRows::parse(TextSpan row) const {
  const std::vector<Field> fields = record_at(text_, row.begin, separator_);
  for (const Field& field : fields) {
    if (field.closed) continue;
    if (field.end < row.end) throw RowError(field.end, "text behind a closing quote; double the quotes inside a field");
    throw RowError(field.value.begin - 1, "the quote that opens here is never closed");
  }
  if (fields.size() != names_.size()) {
    throw RowError(row.begin,
                   fmt::format("this row has {} field{}, the header has {}; put those that hold separators or "
                               "line ends into double quotes",
                               fields.size(), fields.size() == 1 ? "" : "s", names_.size()));
  }
  json object = json::object();
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool is_list = names_[i] == "messages" || names_[i] == "conversations";
    std::string value = value_of(text_, fields[i]);
    try {
      object[names_[i]] = is_list ? parse_json(value, {0, value.size()}) : json(std::move(value));
    } catch (const RowError& error) {
      throw RowError(fields[i].value.begin, error.what());
    }
  }
  return row_from_fields(object, row.begin);
}

}  // namespace patina::train
