#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "train/data/book_rows.h"
#include "train/data/row.h"
#include "train/data/row_form.h"
#include "train/data/row_list.h"
#include "train/data/text_file.h"

namespace patina::train {

// Told of each row that cannot be used, in a sentence that begins with its place. Empty: such a row is an error.
using BadRowSink = std::function<void(const std::string& sentence)>;

// The rows of some files, read when they are asked for: no memory is taken for them. Safe to share between threads.
class RowSource {
 public:
  // Recognises each file's form. Throws kNotFound, kIo, kInvalidData as TextFile and recognise_rows(); kInvalidData for
  // a file named .json, .jsonl, .csv or .tsv that holds nothing of the kind, and for one without any row.
  RowSource(std::span<const std::filesystem::path> files, TextEncoding encoding, PlainText plain = PlainText::kAuto);

  // Cuts running text into pieces of at most `most` tokens. Before that, they are of 2,000 bytes. Not thread safe.
  void cut_books(size_t most, const TextMeasure& measure);

  size_t files() const { return files_.size(); }
  const std::string& file_name(size_t file) const { return files_[file].text->name(); }
  std::string_view form_name(size_t file) const { return files_[file].form->name(); }
  bool is_book(size_t file) const;

  // Hands out every row in the order of the files. RowError and Error of kInvalidData or kInvalidArgument, also those
  // that `take` throws, make a row a bad one.
  void visit(FunctionRef<void(RowId, const Row&)> take, const BadRowSink& on_bad) const;

  // A row that visit() has handed out. Throws kInvalidData if the file is no longer what it was.
  Row read(RowId id) const;
  std::string place(RowId id) const { return files_[id.file()].text->place(id.offset()); }

 private:
  struct File {
    std::unique_ptr<TextFile> text;
    std::unique_ptr<RowForm> form;

    Row parse(TextSpan row) const;
  };

  void visit_file(size_t index, FunctionRef<void(RowId, const Row&)> take, const BadRowSink& on_bad) const;

  std::vector<File> files_;
};

}  // namespace patina::train
