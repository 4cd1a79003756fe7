#pragma once

#include <string_view>

#include "train/data/row_form.h"

namespace patina::train {

// Plain text, one example a line; empty lines are skipped.
class LineRows final : public RowForm {
 public:
  explicit LineRows(std::string_view text) : text_(text) {}

  std::string_view name() const override { return "plain lines"; }
  std::optional<TextSpan> find(size_t from) const override;
  Row parse(TextSpan row) const override;

 private:
  std::string_view text_;
};

}  // namespace patina::train
