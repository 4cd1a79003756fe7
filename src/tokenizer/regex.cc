#include "tokenizer/regex.h"

#include <algorithm>
#include <array>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"

namespace patina::tokenizer {
namespace {

// PCRE2 counts U+180E, which Unicode took out of White_Space in 6.3, among \s; the regexes come from engines that
// follow Unicode. So \s and \S are spelled out.
constexpr std::string_view kSpaces = "\\p{Z}\\t-\\r\\x{85}";

std::string spell_out_spaces(std::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char symbol = pattern[i];
    if (symbol == '\\' && i + 1 < pattern.size()) {
      const char name = pattern[++i];
      if (name == 's') {
        result += in_class ? std::string(kSpaces) : fmt::format("[{}]", kSpaces);
      } else if (name == 'S' && !in_class) {
        result += fmt::format("[^{}]", kSpaces);
      } else {
        result += {symbol, name};
      }
      continue;
    }
    if (symbol == '[') in_class = true;
    if (symbol == ']') in_class = false;
    result += symbol;
  }
  return result;
}

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

void Regex::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Regex::Regex(const std::string& pattern) {
  const std::string spelled = spell_out_spaces(pattern);
  int error = 0;
  PCRE2_SIZE position = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(), PCRE2_UTF | PCRE2_UCP, &error,
                            &position, nullptr));
  if (!code_) {
    fail(ErrorKind::kUnsupported, "the regular expression \"{}\" cannot be compiled: {}", pattern, message_of(error));
  }
  // Where the system forbids writable code pages this fails, and the interpreter does the work.
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
}

void Regex::split(std::string_view text, size_t offset, std::vector<size_t>& ends) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
  if (!data) fail(ErrorKind::kOutOfMemory, "not enough memory to match a regular expression");
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    int result = pcre2_match(code_.get(), subject, text.size(), at, PCRE2_NO_UTF_CHECK, data.get(), nullptr);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter keeps its state on the heap
      result =
          pcre2_match(code_.get(), subject, text.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data.get(), nullptr);
    }
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0) {
      fail(ErrorKind::kInvalidArgument,
           "the text cannot be split into words ({}); shorten it or break its longest word", message_of(result));
    }
    const size_t begin = pcre2_get_ovector_pointer(data.get())[0];
    const size_t end = pcre2_get_ovector_pointer(data.get())[1];
    if (end <= begin) fail(ErrorKind::kUnsupported, "a regular expression that splits words matched nothing");
    if (begin > done) ends.push_back(offset + begin);
    ends.push_back(offset + end);
    at = done = end;
  }
  if (done < text.size()) ends.push_back(offset + text.size());
}

}  // namespace patina::tokenizer
