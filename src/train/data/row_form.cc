#include "train/data/row_form.h"

#include "train/data/block_rows.h"
#include "train/data/book_rows.h"
#include "train/data/csv_rows.h"
#include "train/data/json_rows.h"
#include "train/data/plain_rows.h"

namespace patina::train {

std::unique_ptr<RowForm> recognise_rows(std::string_view text, PlainText plain) {
  if (JsonArrayRows::recognises(text)) return std::make_unique<JsonArrayRows>(text);
  if (JsonLineRows::recognises(text)) return std::make_unique<JsonLineRows>(text);
  if (auto csv = CsvRows::recognise(text)) return csv;
  if (BlockRows::recognises(text)) return std::make_unique<BlockRows>(text);
  const bool is_book = plain == PlainText::kBook || (plain == PlainText::kAuto && BookRows::recognises(text));
  if (!is_book) return std::make_unique<LineRows>(text);
  // Until a vocabulary is known, pieces are of so many bytes.
  constexpr size_t kBytes = 2000;
  return std::make_unique<BookRows>(text, kBytes, [](std::string_view piece) { return piece.size(); });
}

}  // namespace patina::train
