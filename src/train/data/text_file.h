#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "platform/file_state.h"
#include "platform/mapped_file.h"
#include "train/data/row.h"
#include "train/data/text_encoding.h"
#include "train/data/text_lines.h"

namespace patina::train {

// A file as text. UTF-8 stays in the file, which is mapped, and is not checked; other encodings are converted into
// memory. Safe to share between threads.
class TextFile {
 public:
  // Throws kNotFound, kIo, and as converted_to_utf8() does.
  TextFile(const std::filesystem::path& path, TextEncoding encoding);
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }
  // "data.txt:7", or "data.txt:7:3" where the offset is not at its line's beginning.
  std::string place(const TextPosition& position) const;
  // Counts lines from the text's beginning.
  std::string place(size_t offset) const;
  // Throws kInvalidData where another program has written to a file that is read as it stands.
  void require_unchanged() const;
  // Lets go of the memory in which the system holds this part of the file; it is read again when it is needed.
  void let_go(TextSpan part) const;

 private:
  std::string name_;
  platform::MappedFile file_;
  platform::FileState state_;
  std::optional<std::string> converted_;
  std::string_view text_;
};

}  // namespace patina::train
