#include "train/data/plain_rows.h"

#include <string>

#include "train/data/text_lines.h"

namespace patina::train {

std::optional<TextSpan> LineRows::find(size_t from) const {
  const size_t begin = skip_blank_lines(text_, from);
  if (begin == text_.size()) return std::nullopt;
  return TextSpan{begin, line_at(text_, begin).next};
}

Row LineRows::parse(TextSpan row) const {
  std::string_view line = line_at(text_, row.begin).text;
  line.remove_prefix(indentation(line).size());
  return text_row(std::string(trimmed(line)));
}

}  // namespace patina::train
