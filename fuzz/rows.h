#pragma once

#include <cstdlib>
#include <optional>
#include <string_view>

#include "train/data/row_form.h"
#include "train/data/text_encoding.h"

namespace patina::train {

// Reads all rows of a text and ends the program where they break their contract: rows stand one behind the other, a
// good one is found again where it begins, and what the assistant says, or should not say, is never empty.
inline void read_rows(const RowForm& form, std::string_view text) {
  size_t from = 0;
  while (const std::optional<TextSpan> row = form.find(from)) {
    if (row->begin < from || row->end < row->begin || row->end > text.size()) std::abort();
    try {
      check_utf8(text, *row);
      const Row read = form.parse(*row);
      for (const tokenizer::ChatMessage& turn : read.turns) {
        if (turn.role == "assistant" && turn.content.empty()) std::abort();
      }
      if (read.rejected && (read.rejected->empty() || read.turns.back().role != "assistant")) std::abort();
      const std::optional<TextSpan> again = form.find(row->begin);
      if (!again || again->begin != row->begin || again->end != row->end) std::abort();
    } catch (const RowError& error) {
      if (error.offset() > text.size()) std::abort();
    }
    from = row->end + (row->size() == 0 ? 1 : 0);
  }
}

}  // namespace patina::train
