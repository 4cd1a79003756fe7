#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace patina::tokenizer {

// A compiled regular expression over UTF-8 with Unicode classes. `\s` means Unicode's White_Space. Immutable and safe
// to share between threads.
class Regex {
 public:
  explicit Regex(const std::string& pattern);

  // Cuts `text`, which must be well-formed UTF-8, into the matches and the stretches between them, and appends each
  // one's end, plus `offset`. An empty text gives nothing. Throws kInvalidArgument where matching takes too much
  // memory or time.
  void split(std::string_view text, size_t offset, std::vector<size_t>& ends) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
};

}  // namespace patina::tokenizer
