#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/regex.h"

namespace patina::tokenizer {

// The rules that go with a name in `tokenizer.ggml.pre`.
struct PreTokenizerRules {
  std::string_view name;
  std::vector<std::string> regexes;  // each splits the pieces that those before it left
  bool whole_words_first = false;    // a word that is a token is not built by merges ("ignore_merges")
  bool adds_bos = false;             // where the file does not say
};

// The rules of `name`; "" means "default". Throws kUnsupported, naming it and the supported ones, for others.
const PreTokenizerRules& pre_tokenizer_rules(std::string_view name);

// Splits text into the words within which byte-level BPE merges. Immutable and safe to share between threads.
class PreTokenizer {
 public:
  explicit PreTokenizer(const PreTokenizerRules& rules);

  // The end of each word. Any bytes may come in; ill-formed ones are treated as the symbol U+FFFD.
  std::vector<size_t> split(std::string_view text) const;

 private:
  std::vector<Regex> regexes_;
};

}  // namespace patina::tokenizer
