#pragma once

#include <cstddef>
#include <string_view>

#include "train/data/row.h"

namespace patina::train {

// `text` without white space at its ends.
std::string_view trimmed(std::string_view text);

// The spaces that a line begins with: also tabs and ideographic spaces, with which Chinese text is indented.
std::string_view indentation(std::string_view line);
bool is_blank(std::string_view line);

// The line that begins at `begin`, which lies before the text's end: its own text, without the line end ("\n", "\r\n"
// or "\r") and without a byte order mark in front; and where the next line begins.
struct Line {
  size_t begin;
  std::string_view text;
  size_t next;
};
Line line_at(std::string_view text, size_t begin);

// Where the first line at or after `from` begins that is not blank; the text's size where there is none.
size_t skip_blank_lines(std::string_view text, size_t from);

// The first character at or after `from` that is no white space; the text's size where there is none.
size_t skip_space(std::string_view text, size_t from);

// Line and column, both from 1, of an offset. Columns count characters; `text` should be UTF-8.
struct TextPosition {
  size_t line = 1;
  size_t column = 1;
  size_t line_begin = 0;
};
// Counts from a position that is known already, not behind `offset`.
TextPosition position_in(std::string_view text, size_t offset, const TextPosition& known = {});

}  // namespace patina::train
