#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "train/data/row_form.h"

namespace patina::train {

// The number of tokens that a text takes. Safe to call from several threads.
using TextMeasure = std::function<size_t(std::string_view)>;

// Running text, such as a book, in pieces as long as they may be: cut at the end of a paragraph (an empty line) if that
// leaves half of a piece or more, else at a line's end, else at a space, else between characters. All pieces but the
// last go on in the next.
class BookRows final : public RowForm {
 public:
  // Pieces take at most `most` by the measure, but never less than a character.
  BookRows(std::string_view text, size_t most, TextMeasure measure)
      : text_(text), most_(most), measure_(std::move(measure)) {}

  // Whether lines mostly go on in the next, as in text that was wrapped: more than half of the lines, among those that
  // another follows, are long, end no sentence, and the next begins with a lower-case letter. Looks at the first MiB.
  static bool recognises(std::string_view text);

  std::string_view name() const override { return "running text"; }
  std::optional<TextSpan> find(size_t from) const override;
  Row parse(TextSpan row) const override;

 private:
  size_t measured(size_t begin, size_t end) const { return measure_(text_.substr(begin, end - begin)); }
  size_t end_of_lines(size_t begin, size_t most) const;
  size_t end_within_line(size_t begin, size_t most) const;

  std::string_view text_;
  size_t most_;
  TextMeasure measure_;
};

}  // namespace patina::train
