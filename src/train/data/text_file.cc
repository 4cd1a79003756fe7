#include "train/data/text_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace patina::train {
namespace {

// A multiple of any page's size.
constexpr size_t kPages = size_t{1} << 16;
constexpr size_t kBytesAtOnce = size_t{1} << 20;  // that are in memory while lines are counted

}  // namespace

TextFile::TextFile(const std::filesystem::path& path, TextEncoding encoding)
    : name_(path.string()), file_(path), state_(path) {
  const std::string_view bytes(reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size());
  converted_ = converted_to_utf8(bytes, encoding, name_);
  text_ = converted_ ? std::string_view(*converted_) : bytes;
  if (converted_) file_.drop(file_.bytes());
}

std::string TextFile::place(size_t offset) const {
  TextPosition position;
  for (size_t done = 0; done < offset;) {
    const size_t next = std::min(done + kBytesAtOnce, offset);
    position = position_in(text_, next, position);
    let_go({done, next});
    done = next;
  }
  return place(position);
}

std::string TextFile::place(const TextPosition& position) const {
  if (position.column == 1) return fmt::format("{}:{}", name_, position.line);
  return fmt::format("{}:{}:{}", name_, position.line, position.column);
}

void TextFile::require_unchanged() const {
  if (converted_ || !state_.changed()) return;
  fail(
      ErrorKind::kInvalidData,
      "{} was written to while it was in use; make it what it was before, and go on with --resume where a training run "
      "was stopped",
      name_);
}

void TextFile::let_go(TextSpan part) const {
  if (converted_) return;
  const size_t begin = part.begin / kPages * kPages;
  const size_t end = std::min((part.end + kPages - 1) / kPages * kPages, text_.size());
  file_.drop(file_.bytes().subspan(begin, end - begin));
}

}  // namespace patina::train
