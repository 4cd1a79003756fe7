#include "tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "tokenizer/utf8.h"

namespace patina::tokenizer {
namespace {

// From openai/gpt-2, encoder.py.
constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// From the pre_tokenizer sections of the models' tokenizer.json files, as quoted in llama.cpp, llama-vocab.cpp
// (llm_tokenizer_bpe). Llama 3 and Qwen 2 differ in how many digits make a word.
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                                R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                                R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Single digits, then GPT-2's words: Sequence[Digits(individual_digits), ByteLevel] in SmolLM's tokenizer.json.
constexpr const char* kDigit = R"(\p{N})";

// Of files without a name (llama.cpp, llama-vocab.cpp): punctuation, GPT-2's words, digits by three.
constexpr const char* kPunctuation = R"([\p{P}\$\+<=>\^~\|]+)";
constexpr const char* kNumber = R"(\p{N}+)";
constexpr const char* kThreeDigits = R"([0-9][0-9][0-9])";

const std::vector<PreTokenizerRules>& all_rules() {
  static const std::vector<PreTokenizerRules> rules = {
      {"llama-bpe", {kLlama3}, true, true},
      {"qwen2", {kQwen2}},
      {"deepseek-r1-qwen", {kQwen2}},
      {"tekken", {kTekken}, true, true},
      {"smollm", {kDigit, kGpt2}},
      {"gpt-2", {kGpt2}},
      {"default", {kPunctuation, kGpt2, kNumber, kThreeDigits}},
  };
  return rules;
}

}  // namespace

const PreTokenizerRules& pre_tokenizer_rules(std::string_view name) {
  if (name.empty()) name = "default";
  const auto& rules = all_rules();
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule.name == name; });
  if (found != rules.end()) return *found;
  std::string names;
  for (const PreTokenizerRules& rule : rules) names += fmt::format("{}{}", names.empty() ? "" : ", ", rule.name);
  fail(ErrorKind::kUnsupported, "the pre-tokenizer \"{}\" is not supported; supported are: {}", name, names);
}

PreTokenizer::PreTokenizer(const PreTokenizerRules& rules) {
  for (const std::string& pattern : rules.regexes) regexes_.emplace_back(pattern);
}

std::vector<size_t> PreTokenizer::split(std::string_view text) const {
  const ValidText valid = make_valid(text);
  std::vector<size_t> ends;
  if (!valid.text.empty()) ends.push_back(valid.text.size());
  for (const Regex& regex : regexes_) {
    std::vector<size_t> finer;
    size_t begin = 0;
    for (const size_t end : ends) {
      regex.split(std::string_view(valid.text).substr(begin, end - begin), begin, finer);
      begin = end;
    }
    ends = std::move(finer);
  }
  if (!valid.origins.empty()) {
    for (size_t& end : ends) end = valid.origins[end];
  }
  return ends;
}

}  // namespace patina::tokenizer
