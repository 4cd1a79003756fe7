#include "train/data/text_encoding.h"

#include <fmt/format.h>
#include <iconv.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/error.h"
#include "tokenizer/utf8.h"
#include "train/data/text_lines.h"

namespace patina::train {
namespace {

constexpr std::string_view kUtf16LittleMark = "\xFF\xFE";
constexpr std::string_view kUtf16BigMark = "\xFE\xFF";
constexpr size_t kSample = size_t{1} << 20;  // bytes at a file's beginning that show what it is

// A conversion descriptor of iconv(3) that gives UTF-8.
class Converter {
 public:
  explicit Converter(const char* from) : descriptor_(iconv_open("UTF-8", from)) {
    if (!valid()) {
      fail(ErrorKind::kUnsupported,
           "this system cannot convert {} text; convert the file to UTF-8 (on Debian and Ubuntu the package "
           "libc-gconv-modules-extra may be missing)",
           from);
    }
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() { iconv_close(descriptor_); }

  // Appends what `bytes` mean to `text`; returns how many bytes could be converted.
  size_t convert(std::string_view bytes, std::string& text) const {
    char* in = const_cast<char*>(bytes.data());  // iconv's parameter is not const, but it only reads
    size_t left = bytes.size();
    std::array<char, 1 << 14> buffer;
    while (left > 0) {
      char* out = buffer.data();
      size_t room = buffer.size();
      const size_t result = iconv(descriptor_, &in, &left, &out, &room);
      text.append(buffer.data(), buffer.size() - room);
      if (result == static_cast<size_t>(-1) && errno != E2BIG) break;
    }
    return bytes.size() - left;
  }

 private:
  bool valid() const {
    return descriptor_ != reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr): as iconv_open(3) says
  }

  iconv_t descriptor_;
};

std::string convert(std::string_view bytes, const char* from, std::string_view advice, std::string_view source) {
  std::string text;
  const size_t converted = Converter(from).convert(bytes, text);
  if (converted < bytes.size()) {
    fail(ErrorKind::kInvalidData, "{}:{}: the byte at offset {} is no {} text; {}", source,
         position_in(text, text.size()).line, converted, from, advice);
  }
  return text;
}

// The byte order of UTF-16 text, told by its mark or, where there is none, by which half of its ASCII characters (line
// ends, spaces, markers) is zero. Null for what does not look like UTF-16; no text holds a whole unit of zeros.
const char* utf16_form(std::string_view bytes) {
  if (bytes.starts_with(kUtf16LittleMark)) return "UTF-16LE";
  if (bytes.starts_with(kUtf16BigMark)) return "UTF-16BE";
  if (bytes.size() % 2 != 0) return nullptr;
  bytes = bytes.substr(0, kSample);
  const auto is_text = [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; };
  size_t little = 0;
  size_t big = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    if (bytes[i] == '\0' && bytes[i + 1] == '\0') return nullptr;
    if (bytes[i + 1] == '\0' && is_text(bytes[i])) ++little;
    if (bytes[i] == '\0' && is_text(bytes[i + 1])) ++big;
  }
  if (little == big) return nullptr;
  return little > big ? "UTF-16LE" : "UTF-16BE";
}

}  // namespace

std::optional<TextEncoding> text_encoding_from_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_') plain += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  if (plain == "auto") return TextEncoding::kAuto;
  if (plain == "utf8") return TextEncoding::kUtf8;
  if (plain == "utf16") return TextEncoding::kUtf16;
  if (plain == "gb18030" || plain == "gbk" || plain == "gb2312") return TextEncoding::kGb18030;
  return std::nullopt;
}

std::optional<std::string> converted_to_utf8(std::string_view bytes, TextEncoding encoding, std::string_view source) {
  if (encoding == TextEncoding::kGb18030) return convert(bytes, "GB18030", "leave --encoding out for UTF-8", source);
  const bool may_be_utf16 = encoding == TextEncoding::kUtf16 || encoding == TextEncoding::kAuto;
  const char* form = may_be_utf16 ? utf16_form(bytes) : nullptr;
  if (form == nullptr && encoding == TextEncoding::kUtf16) form = "UTF-16LE";
  if (form == nullptr) return std::nullopt;
  return convert(bytes, form, "save the file as UTF-8", source);
}

void check_utf8(std::string_view text, TextSpan part) {
  for (size_t i = part.begin; i < part.end;) {
    if (text[i] == '\0') throw RowError(i, "a NUL character; this is no text file");
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const tokenizer::Utf8Character character = tokenizer::first_character(text.substr(i, part.end - i));
    if (character.status != tokenizer::Utf8Status::kComplete) {
      throw RowError(i,
                     fmt::format("the byte 0x{:02X} at offset {} is no UTF-8 text; if the file was saved in an older "
                                 "Chinese encoding, say --encoding gb18030, else save it as UTF-8",
                                 static_cast<uint8_t>(text[i]), i));
    }
    i += character.length;
  }
}

}  // namespace patina::train
