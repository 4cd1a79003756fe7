#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "train/data/row_form.h"

namespace patina::train {

// The JSON value (RFC 8259) in a part of a text. Throws RowError, at the place of what is wrong, where it is none.
nlohmann::json parse_json(std::string_view text, TextSpan part);

// A JSON object in each line, with the fields of row_fields.h; empty lines are skipped.
class JsonLineRows final : public RowForm {
 public:
  explicit JsonLineRows(std::string_view text) : text_(text) {}

  static bool recognises(std::string_view text);

  std::string_view name() const override { return "JSON lines"; }
  std::optional<TextSpan> find(size_t from) const override;
  Row parse(TextSpan row) const override;

 private:
  std::string_view text_;
};

// One JSON array of such objects. Its elements are told apart by their brackets, and parsed one by one.
class JsonArrayRows final : public RowForm {
 public:
  explicit JsonArrayRows(std::string_view text);

  static bool recognises(std::string_view text);

  std::string_view name() const override { return "JSON array"; }
  std::optional<TextSpan> find(size_t from) const override;
  Row parse(TextSpan row) const override;

 private:
  std::string_view text_;
  size_t first_;  // behind the array's opening bracket
};

}  // namespace patina::train
