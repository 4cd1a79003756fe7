#include "train/data/row_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "train/data/plain_rows.h"
#include "train/data/row_fields.h"
#include "train/data/text_encoding.h"

namespace patina::train {
namespace {

constexpr size_t kBytesAtOnce = size_t{1} << 20;  // of a file that are in memory while it is read through

bool is_refusal(const Error& error) {
  return error.kind() == ErrorKind::kInvalidData || error.kind() == ErrorKind::kInvalidArgument;
}

// A table that is not recognised would be learned line by line.
void check_name(const std::filesystem::path& path, const RowForm& form) {
  constexpr std::array<std::string_view, 5> kTables = {".json", ".jsonl", ".ndjson", ".csv", ".tsv"};
  const bool is_plain =
      dynamic_cast<const LineRows*>(&form) != nullptr || dynamic_cast<const BookRows*>(&form) != nullptr;
  if (!is_plain || std::ranges::find(kTables, path.extension().string()) == kTables.end()) return;
  fail(ErrorKind::kInvalidData,
       "{} holds no JSON objects and no CSV header that patina knows; name the fields {} (or rename it to .txt for "
       "plain "
       "text)",
       path.string(), row_fields_advice());
}

}  // namespace

RowSource::RowSource(std::span<const std::filesystem::path> files, TextEncoding encoding, PlainText plain) {
  for (const std::filesystem::path& path : files) {
    File file;
    file.text = std::make_unique<TextFile>(path, encoding);
    file.form = recognise_rows(file.text->text(), plain);
    check_name(path, *file.form);
    if (!file.form->find(0)) {
      fail(ErrorKind::kInvalidData,
           "{} holds no training text; write blocks of \"### Instruction:\" and \"### Response:\", or one example a "
           "line",
           file.text->name());
    }
    files_.push_back(std::move(file));
  }
}

bool RowSource::is_book(size_t file) const { return dynamic_cast<const BookRows*>(files_[file].form.get()) != nullptr; }

void RowSource::cut_books(size_t most, const TextMeasure& measure) {
  for (size_t i = 0; i < files_.size(); ++i) {
    if (is_book(i)) files_[i].form = std::make_unique<BookRows>(files_[i].text->text(), most, measure);
  }
}

Row RowSource::File::parse(TextSpan row) const {
  check_utf8(text->text(), row);
  return form->parse(row);
}

void RowSource::visit(FunctionRef<void(RowId, const Row&)> take, const BadRowSink& on_bad) const {
  for (size_t file = 0; file < files_.size(); ++file) visit_file(file, take, on_bad);
}

void RowSource::visit_file(size_t index, FunctionRef<void(RowId, const Row&)> take, const BadRowSink& on_bad) const {
  const File& file = files_[index];
  TextPosition bad_before;
  const auto bad = [&](const TextSpan& row, size_t offset, std::string_view what) {
    const size_t counted = bad_before.line_begin;
    bad_before = position_in(file.text->text(), row.begin, bad_before);
    file.text->let_go({counted, row.begin});
    const std::string place = file.text->place(position_in(file.text->text(), offset, bad_before));
    const std::string sentence = fmt::format("{}: {}", place, what);
    if (!on_bad) fail(ErrorKind::kInvalidData, "{}", sentence);
    on_bad(sentence);
  };
  size_t kept_from = 0;
  for (std::optional<TextSpan> row = file.form->find(0); row; row = file.form->find(row->end + (row->size() == 0))) {
    try {
      take(RowId(index, row->begin), file.parse(*row));
    } catch (const RowError& error) {
      bad(*row, error.offset(), error.what());
    } catch (const Error& error) {
      if (!is_refusal(error)) throw;
      bad(*row, row->begin, error.what());
    }
    if (row->end < kept_from + kBytesAtOnce) continue;
    file.text->let_go({kept_from, row->end});
    kept_from = row->end;
  }
  file.text->let_go({kept_from, file.text->text().size()});
}

Row RowSource::read(RowId id) const {
  const File& file = files_[id.file()];
  file.text->require_unchanged();
  const std::optional<TextSpan> span = file.form->find(id.offset());
  try {
    if (!span) throw RowError(id.offset(), "a row that was here has gone");
    Row row = file.parse(*span);
    file.text->let_go(*span);
    return row;
  } catch (const RowError& error) {
    fail(ErrorKind::kInvalidData, "{}: {}", file.text->place(error.offset()), error.what());
  }
}

}  // namespace patina::train
