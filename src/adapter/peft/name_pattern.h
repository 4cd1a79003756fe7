#pragma once

#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace patina::adapter::peft {

// A key of PEFT's rank_pattern or alpha_pattern: a regular expression for the end of a module's name, from its begin or
// after a dot (peft 0.21, utils/other.py: get_pattern_key). Immutable and safe to share between threads.
class NamePattern {
 public:
  // Throws kInvalidData, beginning with `source`, for what is no regular expression.
  NamePattern(std::string_view key, const std::string& source);

  // Throws kInvalidData where matching takes too much memory or time.
  bool matches(std::string_view module) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  std::string source_;
};

}  // namespace patina::adapter::peft
