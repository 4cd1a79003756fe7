#include "train/data/text_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/data/text_lines.h"

namespace patina::train {
namespace {

// A multiple of any page's size.
constexpr size_t kPages = size_t{1} << 16;

}  // namespace

TextFile::TextFile(const std::filesystem::path& path, TextEncoding encoding) : name_(path.string()), file_(path) {
  const std::string_view bytes(reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size());
  converted_ = converted_to_utf8(bytes, encoding, name_);
  text_ = converted_ ? std::string_view(*converted_) : bytes;
  if (converted_) file_.drop(file_.bytes());
}

std::string TextFile::place(size_t offset) const {
  const TextPosition position = position_in(text_, offset);
  let_go({0, offset});
  if (position.column == 1) return fmt::format("{}:{}", name_, position.line);
  return fmt::format("{}:{}:{}", name_, position.line, position.column);
}

void TextFile::let_go(TextSpan part) const {
  if (converted_) return;
  const size_t begin = part.begin / kPages * kPages;
  const size_t end = std::min((part.end + kPages - 1) / kPages * kPages, text_.size());
  file_.drop(file_.bytes().subspan(begin, end - begin));
}

}  // namespace patina::train
