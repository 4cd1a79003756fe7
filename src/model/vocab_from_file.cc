#include "model/vocab_from_file.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace patina::model {
namespace {

using tokenizer::kNoToken;
using tokenizer::TokenId;
using tokenizer::TokenKind;

constexpr uint64_t kUnsetId = UINT32_MAX;  // how writers say "no such token" in a u32
constexpr TokenId kSpmUnknown = 0;
constexpr TokenId kSpmBegin = 1;
constexpr TokenId kSpmEnd = 2;

// Reads the entries of one file's vocabulary.
class VocabReader {
 public:
  explicit VocabReader(const io::ModelFile& file) : metadata_(file.metadata()), source_(file.path().string()) {}

  std::vector<std::string> tokens() {
    const std::vector<std::string>* tokens = metadata_.find_strings("tokenizer.ggml.tokens");
    if (tokens == nullptr || tokens->empty() || !metadata_.has("tokenizer.ggml.model")) {
      fail(ErrorKind::kInvalidData, "{} holds no vocabulary; use a model file with its tokenizer in it", source_);
    }
    if (tokens->size() > INT32_MAX) {
      fail(ErrorKind::kInvalidData, "{} is corrupt: a vocabulary of {} tokens is too large", source_, tokens->size());
    }
    size_ = tokens->size();
    return *tokens;
  }

  std::vector<float> scores() const {
    const std::vector<double> scores = metadata_.get_floats("tokenizer.ggml.scores");
    check_length(scores.size(), "scores");
    return {scores.begin(), scores.end()};
  }

  std::vector<TokenKind> kinds() const {
    const std::vector<int64_t> numbers = metadata_.get_ints("tokenizer.ggml.token_type");
    check_length(numbers.size(), "token types");
    std::vector<TokenKind> kinds;
    kinds.reserve(numbers.size());
    for (const int64_t number : numbers) {
      if (number < 0 || number > static_cast<int64_t>(TokenKind::kByte)) {
        fail(ErrorKind::kInvalidData, "{} is corrupt: token {} is of the unknown type {}", source_, kinds.size(),
             number);
      }
      kinds.push_back(number == 0 ? TokenKind::kNormal : static_cast<TokenKind>(number));
    }
    return kinds;
  }

  std::vector<std::string> merges() const {
    const std::vector<std::string>* merges = metadata_.find_strings("tokenizer.ggml.merges");
    if (merges == nullptr) {
      fail(ErrorKind::kInvalidData, "{} lacks tokenizer.ggml.merges; convert the model again with a newer converter",
           source_);
    }
    return *merges;
  }

  TokenId id(std::string_view name, TokenId fallback = kNoToken) const {
    const std::string key = "tokenizer.ggml." + std::string(name);
    if (!metadata_.has(key)) return fallback < static_cast<int64_t>(size_) ? fallback : kNoToken;
    const uint64_t number = metadata_.get_uint(key);
    if (number == kUnsetId) return kNoToken;
    if (number >= size_) {
      fail(ErrorKind::kInvalidData, "{} is corrupt: {} is {}, but the vocabulary has {} tokens", source_, key, number,
           size_);
    }
    return static_cast<TokenId>(number);
  }

  int flag(std::string_view name) const {
    const std::string key = "tokenizer.ggml." + std::string(name);
    if (!metadata_.has(key)) return -1;
    return metadata_.get_bool(key, false) ? 1 : 0;
  }

  std::string text(std::string_view key) const { return metadata_.get_string(key, ""); }

 private:
  void check_length(size_t length, std::string_view what) const {
    if (length == 0 || length == size_) return;
    fail(ErrorKind::kInvalidData, "{} is corrupt: its vocabulary has {} tokens but {} {}", source_, size_, length,
         what);
  }

  const io::Metadata& metadata_;
  std::string source_;
  size_t size_ = 0;
};

}  // namespace

tokenizer::Vocab vocab_from_file(const io::ModelFile& file) {
  VocabReader reader(file);
  tokenizer::Vocab vocab;
  vocab.tokens = reader.tokens();
  vocab.model = reader.text("tokenizer.ggml.model");
  vocab.pre = reader.text("tokenizer.ggml.pre");
  vocab.kinds = reader.kinds();
  const bool is_spm = vocab.model == "llama";
  if (is_spm) vocab.scores = reader.scores();
  if (vocab.model == "gpt2") vocab.merges = reader.merges();
  vocab.bos = reader.id("bos_token_id", is_spm ? kSpmBegin : kNoToken);
  vocab.eos = reader.id("eos_token_id", is_spm ? kSpmEnd : kNoToken);
  vocab.unk = reader.id("unknown_token_id", is_spm ? kSpmUnknown : kNoToken);
  vocab.eot = reader.id("eot_token_id");
  vocab.pad = reader.id("padding_token_id");
  vocab.add_bos = reader.flag("add_bos_token");
  vocab.add_eos = reader.flag("add_eos_token");
  vocab.add_space_prefix = reader.flag("add_space_prefix");
  vocab.chat_template = reader.text("tokenizer.chat_template");
  return vocab;
}

}  // namespace patina::model
