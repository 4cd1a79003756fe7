#include "io/ggml_legacy/vocabulary.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "io/ggml_legacy/format.h"

namespace patina::io::ggjt {

namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";                 // U+2581
constexpr std::string_view kUnknownText = " \xE2\x81\x87 ";             // " ⁇ "
constexpr std::string_view kSpecialTexts[] = {"<unk>", "<s>", "</s>"};  // of tokens 0 to 2
constexpr size_t kSpecialTokens = std::size(kSpecialTexts);
constexpr size_t kByteTokens = 256;

// As `tokenizer.ggml.token_type` numbers them.
enum class Kind : int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUnused = 5, kByte = 6 };

// Where the 256 byte tokens begin, in the order of the bytes: 3 in all files of LLaMA's own vocabulary. A single byte
// alone does not tell, as "A" may also be a normal token.
std::optional<size_t> find_byte_tokens(const std::vector<RawToken>& tokens) {
  size_t run = 0;  // tokens before i that are the bytes 0, 1, 2, ...
  for (size_t i = 0; i < tokens.size() && run < kByteTokens; ++i) {
    const std::string& text = tokens[i].text;
    const auto is_byte = [&](size_t byte) { return text.size() == 1 && static_cast<unsigned char>(text[0]) == byte; };
    run = is_byte(run) ? run + 1 : is_byte(0) ? 1 : 0;
    if (run == kByteTokens) return i + 1 - kByteTokens;
  }
  return std::nullopt;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    result.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return result.append(text);
}

// "<0x0A>" → "\n".
std::string raw_byte(std::string_view text) {
  constexpr std::string_view kForm = "<0x00>";
  constexpr int kHexadecimal = 16;
  unsigned char byte = 0;
  const char* digits = text.data() + 3;
  if (text.size() != kForm.size() || std::from_chars(digits, digits + 2, byte, kHexadecimal).ec != std::errc()) {
    fail(ErrorKind::kInvalidData, "the vocabulary has a byte token that is not of the form <0x0A>");
  }
  return {static_cast<char>(byte)};
}

struct ConvertedToken {
  std::string text;
  Kind kind;
};

ConvertedToken convert(size_t id, const std::string& text, std::optional<size_t> first_byte) {
  if (id == kUnknownToken) return {std::string(kSpecialTexts[id]), Kind::kUnknown};
  if (id < kSpecialTokens) return {std::string(kSpecialTexts[id]), Kind::kControl};
  if (first_byte.has_value() && id >= *first_byte && id - *first_byte < kByteTokens) {
    return {fmt::format("<0x{:02X}>", id - *first_byte), Kind::kByte};
  }
  if (text.empty()) return {text, Kind::kUnused};  // a control token whose name is lost
  return {replace_all(text, " ", kSpaceMark), Kind::kNormal};
}

}  // namespace

void add_vocabulary(Metadata& metadata, std::vector<RawToken> tokens) {
  const std::optional<size_t> first_byte = find_byte_tokens(tokens);
  std::vector<std::string> texts;
  std::vector<double> scores;
  std::vector<int64_t> kinds;
  for (size_t id = 0; id < tokens.size(); ++id) {
    auto [text, kind] = convert(id, tokens[id].text, first_byte);
    texts.push_back(std::move(text));
    scores.push_back(tokens[id].score);
    kinds.push_back(static_cast<int64_t>(kind));
  }
  metadata.set("tokenizer.ggml.model", "llama");
  metadata.set("tokenizer.ggml.tokens", MetaArray(std::move(texts)));
  metadata.set("tokenizer.ggml.scores", MetaArray(std::move(scores)));
  metadata.set("tokenizer.ggml.token_type", MetaArray(std::move(kinds)));
  metadata.set("tokenizer.ggml.unknown_token_id", kUnknownToken);
  metadata.set("tokenizer.ggml.bos_token_id", kBosToken);
  metadata.set("tokenizer.ggml.eos_token_id", kEosToken);
}

std::vector<RawToken> legacy_vocabulary(const Metadata& metadata) {
  const std::vector<std::string>* texts = metadata.find_strings("tokenizer.ggml.tokens");
  const std::vector<double> scores = metadata.get_floats("tokenizer.ggml.scores");
  const std::vector<int64_t> kinds = metadata.get_ints("tokenizer.ggml.token_type");
  const bool complete = metadata.get_string("tokenizer.ggml.model", "") == "llama" && texts != nullptr &&
                        scores.size() == texts->size() && kinds.size() == texts->size();
  if (!complete || metadata.get_uint("tokenizer.ggml.bos_token_id", kBosToken) != kBosToken ||
      metadata.get_uint("tokenizer.ggml.eos_token_id", kEosToken) != kEosToken ||
      metadata.get_uint("tokenizer.ggml.unknown_token_id", kUnknownToken) != kUnknownToken) {
    fail(ErrorKind::kUnsupported,
         "GGJT can only hold a SentencePiece vocabulary whose unknown, begin and end tokens are 0, 1 and 2");
  }
  std::vector<RawToken> tokens;
  for (size_t id = 0; id < texts->size(); ++id) {
    std::string text;
    switch (static_cast<Kind>(kinds[id])) {
      case Kind::kUnknown:
        text = kUnknownText;
        break;
      case Kind::kControl:
      case Kind::kUnused:
        break;
      case Kind::kByte:
        text = raw_byte((*texts)[id]);
        break;
      default:
        text = replace_all((*texts)[id], kSpaceMark, " ");
    }
    tokens.push_back({std::move(text), static_cast<float>(scores[id])});
  }
  return tokens;
}

}  // namespace patina::io::ggjt
