#include "tokenizer/tokenizer.h"

#include <utility>

#include "base/error.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/spm_tokenizer.h"

namespace patina::tokenizer {
namespace {

Vocab completed(Vocab vocab) {
  complete_vocab(vocab);
  return vocab;
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::create(Vocab vocab) {
  if (vocab.model == "llama") return std::make_unique<SpmTokenizer>(std::move(vocab));
  if (vocab.model == "gpt2") {
    const PreTokenizerRules& rules = pre_tokenizer_rules(vocab.pre);
    return std::make_unique<BpeTokenizer>(std::move(vocab), rules);
  }
  fail(ErrorKind::kUnsupported, "the tokenizer model \"{}\" is not supported; supported are: llama, gpt2", vocab.model);
}

Tokenizer::Tokenizer(Vocab vocab, bool adds_bos_by_default)
    : vocab_(completed(std::move(vocab))),
      table_(vocab_),
      adds_bos_(vocab_.bos != kNoToken && (vocab_.add_bos < 0 ? adds_bos_by_default : vocab_.add_bos > 0)),
      adds_eos_(vocab_.eos != kNoToken && vocab_.add_eos > 0) {
  for (size_t i = 0; i < vocab_.tokens.size(); ++i) {
    const TokenKind token_kind = vocab_.kinds[i];
    const auto id = static_cast<TokenId>(i);
    if (token_kind == TokenKind::kUserDefined) user_defined_.add(vocab_.tokens[i], id);
    if (token_kind == TokenKind::kUserDefined || token_kind == TokenKind::kControl ||
        token_kind == TokenKind::kUnknown) {
      all_special_.add(vocab_.tokens[i], id);
    }
  }
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<TokenId> ids;
  if (options.add_special && adds_bos_) ids.push_back(vocab_.bos);
  bool begins = !options.continues;
  const SpecialSplitter& splitter = options.parse_special ? all_special_ : user_defined_;
  for (const Fragment& fragment : splitter.split(text)) {
    if (fragment.token == kNoToken) {
      encode_text(fragment.text, begins, ids);
    } else {
      ids.push_back(fragment.token);
    }
    begins = fragment.token != kNoToken;
  }
  if (options.add_special && adds_eos_) ids.push_back(vocab_.eos);
  return ids;
}

std::string Tokenizer::decode(const std::vector<TokenId>& ids, bool render_special) const {
  size_t first = 0;
  size_t last = ids.size();
  if (adds_bos_ && last > 0 && ids.front() == vocab_.bos) ++first;
  if (adds_eos_ && last > first && ids.back() == vocab_.eos) --last;
  std::string text;
  bool begins = true;
  for (size_t i = first; i < last; ++i) {
    const std::string bytes = piece(ids[i], render_special);
    const bool prefixed = begins && prefixes_space() && bytes.starts_with(' ');
    text.append(bytes, prefixed ? 1 : 0);
    const TokenKind token_kind = kind(ids[i]);
    begins = token_kind == TokenKind::kControl || token_kind == TokenKind::kUserDefined ||
             (token_kind == TokenKind::kUnknown && !gives_unknown());
  }
  return text;
}

TokenKind Tokenizer::kind(TokenId id) const {
  if (id < 0 || id >= size()) {
    fail(ErrorKind::kInvalidArgument, "token {} is outside the vocabulary of {} tokens", id, size());
  }
  return vocab_.kinds[id];
}

}  // namespace patina::tokenizer
