#pragma once

#include <string_view>

#include "train/data/row_form.h"

namespace patina::train {

// Questions as blocks:
//
//   ### Instruction:         the prompt, over one or several lines (also on the marker's own line)
//   ### Input:               optional, may be empty; see joined_prompt()
//   ### Response:            the answer
//
// White space before a marker, the spaces inside it and letter case do not matter, the colon may be full-width.
// Indentation common to all lines of a row is removed; so is white space at the ends of every text. A row begins with
// each instruction.
class BlockRows final : public RowForm {
 public:
  explicit BlockRows(std::string_view text) : text_(text) {}

  // Whether a line of the text's first MiB begins with a marker.
  static bool recognises(std::string_view text);

  std::string_view name() const override { return "instruction blocks"; }
  std::optional<TextSpan> find(size_t from) const override;
  Row parse(TextSpan row) const override;

 private:
  std::string_view text_;
};

}  // namespace patina::train
