#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "train/data/row_form.h"
#include "train/data/text_lines.h"
#include "train/test_support.h"

namespace patina::train {

struct FoundRow {
  Row row;
  size_t line;
};

// Every row of a text, whose form must be the named one. What RowError tells becomes an Error as for a file data.txt.
inline std::vector<FoundRow> rows_of(const std::string& text, std::string_view form_name) {
  const std::unique_ptr<RowForm> form = recognise_rows(text);
  EXPECT_EQ(form->name(), form_name);
  std::vector<FoundRow> rows;
  try {
    for (std::optional<TextSpan> row = form->find(0); row; row = form->find(row->end + (row->size() == 0))) {
      rows.push_back({form->parse(*row), position_in(text, row->begin).line});
    }
  } catch (const RowError& error) {
    const TextPosition position = position_in(text, error.offset());
    throw Error(ErrorKind::kInvalidData,
                fmt::format("data.txt:{}:{}: {}", position.line, position.column, error.what()));
  }
  return rows;
}

// "user: text\nassistant: text\n".
inline std::string turns_of(const Row& row) {
  std::string text;
  for (const tokenizer::ChatMessage& turn : row.turns) text += turn.role + ": " + turn.content + "\n";
  return text;
}

}  // namespace patina::train
