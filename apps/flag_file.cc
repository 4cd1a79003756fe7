#include "apps/flag_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/error.h"
#include "io/printable.h"

namespace patina::apps {

namespace {

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view source) : rest_(text), source_(source) {}

  std::vector<FileFlag> parse() {
    std::vector<FileFlag> flags;
    while (skip_blank(), !rest_.empty()) {
      if (rest_.front() == '[') {
        skip_table();
      } else {
        flags.push_back(parse_flag());
      }
    }
    return flags;
  }

 private:
  [[noreturn]] void fail_here(std::string_view what) const {
    fail(ErrorKind::kInvalidData, "{}:{}: {}; write lines like  lora-rank = 16  or  lora-targets = \"attn\"", source_,
         line_, what);
  }

  char take() {
    if (rest_.empty()) fail_here("the file ends within a value");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\n') ++line_;
    return c;
  }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }

  void skip_spaces() {
    while (next_is(' ') || next_is('\t')) rest_.remove_prefix(1);
  }
  // Spaces, line ends and comments.
  void skip_blank() {
    while (true) {
      skip_spaces();
      if (next_is('#')) {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (next_is('\n') || next_is('\r')) {
        take();
      } else {
        return;
      }
    }
  }
  void end_line() {
    skip_spaces();
    if (next_is('#')) rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    if (next_is('\r')) rest_.remove_prefix(1);
    if (!rest_.empty() && take() != '\n') fail_here("something follows the value");
  }

  void skip_table() {
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    const size_t end = line.find(']');
    if (end == std::string_view::npos) fail_here("a table's name has no ]");
    rest_.remove_prefix(end + 1);
    if (next_is(']')) rest_.remove_prefix(1);
    end_line();
  }

  FileFlag parse_flag() {
    FileFlag flag{{}, {}, line_};
    if (next_is('"') || next_is('\'')) {
      flag.name = parse_text();
    } else {
      while (!rest_.empty() && is_bare(rest_.front())) flag.name += take();
    }
    skip_spaces();
    if (flag.name.empty() || !next_is('=')) fail_here("there is no name and = at the beginning of the line");
    take();
    skip_spaces();
    if (next_is('[')) {
      flag.values = parse_array();
    } else {
      flag.values.push_back(parse_value());
    }
    end_line();
    return flag;
  }

  std::vector<std::string> parse_array() {
    std::vector<std::string> values;
    take();
    while (skip_blank(), !next_is(']')) {
      values.push_back(parse_value());
      skip_blank();
      if (next_is(',')) {
        take();
      } else if (!next_is(']')) {
        fail_here("the values of an array have no comma between them");
      }
    }
    take();
    return values;
  }

  std::string parse_value() {
    if (next_is('"') || next_is('\'')) return parse_text();
    std::string value;
    while (!rest_.empty() && (is_bare(rest_.front()) || rest_.front() == '.' || rest_.front() == '+')) value += take();
    if (value.empty()) fail_here("there is no value");
    const bool is_word = value.find_first_not_of("0123456789+-.eE_") != std::string::npos;
    const bool is_name = value == "true" || value == "false" || value == "inf" || value == "nan";
    if (is_word && !is_name) fail_here(fmt::format("text stands in quotes: \"{}\"", value));
    std::erase(value, '_');
    return value;
  }

  std::string parse_text() {
    const char quote = take();
    std::string text;
    while (!next_is(quote)) {
      if (next_is('\n')) fail_here("a text does not end on its line");
      const char c = take();
      if (c == '\\' && quote == '"') {
        parse_escape(text);
      } else {
        text += c;
      }
    }
    take();
    return text;
  }

  void parse_escape(std::string& text) {
    constexpr std::string_view kLetters = "btnfr\"\\";
    constexpr std::string_view kMeanings = "\b\t\n\f\r\"\\";
    const char c = take();
    const size_t found = kLetters.find(c);
    if (found != std::string_view::npos) {
      text += kMeanings[found];
      return;
    }
    const size_t digits = c == 'u' ? 4 : (c == 'U' ? 8 : 0);
    uint32_t code = 0;
    const std::string_view hex = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    const bool whole = digits > 0 && hex.size() == digits && error == std::errc() && end == hex.data() + hex.size();
    if (!whole || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      fail_here(fmt::format("\\{} is no escape; in '...' a backslash is itself", io::printable(std::string(1, c))));
    }
    rest_.remove_prefix(digits);
    append_utf8(text, code);
  }

  std::string_view rest_;
  std::string_view source_;
  size_t line_ = 1;
};

bool is_plain(const std::string& value) {
  if (value == "true" || value == "false") return true;
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return error == std::errc() && end == value.data() + value.size() && is_digit(value.back()) &&
         (is_digit(value.front()) || (value.size() > 1 && value.front() == '-' && is_digit(value[1])));
}

std::string quoted(const std::string& value) {
  if (is_plain(value)) return value;
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      text.append(1, '\\').append(1, c);
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      text += fmt::format("\\u{:04x}", c);
    } else {
      text += c;
    }
  }
  return text + '"';
}

}  // namespace

std::vector<FileFlag> parse_flag_file(std::string_view text, std::string_view source) {
  return Parser(text, source).parse();
}

std::string write_flag_file(const std::vector<FileFlag>& flags) {
  std::string text;
  for (const FileFlag& flag : flags) {
    text.append(flag.name).append(" = ");
    if (flag.values.size() == 1) {
      text += quoted(flag.values.front());
    } else {
      text += '[';
      for (size_t i = 0; i < flag.values.size(); ++i) text.append(i > 0 ? ", " : "").append(quoted(flag.values[i]));
      text += ']';
    }
    text += '\n';
  }
  return text;
}

}  // namespace patina::apps
