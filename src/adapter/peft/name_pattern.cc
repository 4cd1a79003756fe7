#include "adapter/peft/name_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"
#include "io/printable.h"

namespace patina::adapter::peft {

namespace {

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

void NamePattern::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

NamePattern::NamePattern(std::string_view key, const std::string& source) : source_(source) {
  const std::string whole = fmt::format("(.*\\.)?({})$", key);
  int error = 0;
  PCRE2_SIZE position = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(whole.data()), whole.size(), PCRE2_UTF | PCRE2_ANCHORED,
                            &error, &position, nullptr));
  if (code_ == nullptr) {
    fail(ErrorKind::kInvalidData, "{}: the pattern {} is no regular expression", source, io::printable(key));
  }
}

bool NamePattern::matches(std::string_view module) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> match(
      pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  const int count =
      pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(module.data()), module.size(), 0, 0, match.get(), nullptr);
  if (count < 0 && count != PCRE2_ERROR_NOMATCH) {
    fail(ErrorKind::kInvalidData, "{}: a pattern of it takes too long to match", source_);
  }
  return count >= 0;
}

}  // namespace patina::adapter::peft
