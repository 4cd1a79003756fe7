#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "train/data/row.h"

namespace patina::train {

// A way in which a text holds rows. Refers to the text, which must outlive it. Immutable; safe to share between
// threads.
class RowForm {
 public:
  RowForm() = default;
  RowForm(const RowForm&) = delete;
  RowForm& operator=(const RowForm&) = delete;
  virtual ~RowForm() = default;

  virtual std::string_view name() const = 0;  // "JSON lines"

  // The first row at or after `from`, which is 0, where a row begins or where one ends; empty when there is none. Looks
  // only at what tells rows apart.
  virtual std::optional<TextSpan> find(size_t from) const = 0;

  // Throws RowError for what is no row. `row` is as find() gives it, UTF-8 and without NUL characters.
  virtual Row parse(TextSpan row) const = 0;
};

// How plain text is read: an example a line, or running text that is cut into pieces. kAuto: running text where lines
// show that they were wrapped (BookRows::recognises()).
enum class PlainText { kAuto, kLines, kBook };

// The form that the text has by its content, the first of these that it shows:
//   JSON array    the text begins with "[" and "{"
//   JSON lines    it begins with "{" and "}" or a quote
//   CSV           its first line is a header with the names of row_fields.h
//   blocks        a line of its first MiB begins with a marker of block_rows.h
//   plain text    else: running text or lines, as `plain` says
std::unique_ptr<RowForm> recognise_rows(std::string_view text, PlainText plain = PlainText::kAuto);

}  // namespace patina::train
