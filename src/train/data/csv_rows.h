#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/data/row_form.h"

namespace patina::train {

// Comma-separated values (RFC 4180) below a header that names the fields of row_fields.h in any order. A field in
// double quotes may hold commas, line ends and doubled quotes; those of messages and conversations are lists as in
// JSON. In place of commas there may be semicolons or tabs. Letter case and white space in the header do not matter.
class CsvRows final : public RowForm {
 public:
  // Empty unless the text's first line is such a header.
  static std::unique_ptr<CsvRows> recognise(std::string_view text);

  std::string_view name() const override { return "CSV"; }
  std::optional<TextSpan> find(size_t from) const override;
  Row parse(TextSpan row) const override;

 private:
  CsvRows(std::string_view text, char separator, std::vector<std::string> names, size_t first)
      : text_(text), separator_(separator), names_(std::move(names)), first_(first) {}

  std::string_view text_;
  char separator_;
  std::vector<std::string> names_;
  size_t first_;  // behind the header
};

}  // namespace patina::train
