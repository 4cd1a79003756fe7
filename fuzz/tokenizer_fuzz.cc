// The first byte chooses what is fuzzed: a tokenizer's text, whose round trip must be exact, or a vocabulary, which may
// only be refused with an Error.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "patina/error.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/tokenizer.h"

namespace {

using patina::tokenizer::EncodeOptions;
using patina::tokenizer::TokenId;
using patina::tokenizer::Tokenizer;
using patina::tokenizer::TokenKind;
using patina::tokenizer::Vocab;

constexpr std::string_view kPreTokenizers[] = {"llama-bpe", "qwen2", "tekken", "smollm", "gpt-2", "default"};

void require(bool holds) {
  if (!holds) std::abort();
}

void add(Vocab& vocab, std::string text, TokenKind kind, float score = 0) {
  vocab.tokens.push_back(std::move(text));
  vocab.kinds.push_back(kind);
  vocab.scores.push_back(score);
}

std::unique_ptr<Tokenizer> make_spm(bool prefix) {
  Vocab vocab;
  vocab.model = "llama";
  vocab.bos = 1;
  vocab.eos = 2;
  vocab.unk = 0;
  vocab.add_space_prefix = prefix ? 1 : 0;
  add(vocab, "<unk>", TokenKind::kUnknown);
  add(vocab, "<s>", TokenKind::kControl);
  add(vocab, "</s>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    add(vocab, {'<', '0', 'x', kDigits[byte / 16], kDigits[byte % 16], '>'}, TokenKind::kByte);
  }
  float score = 0;
  for (const char* text : {"\u2581", "a", "aa", "ab", "b", "\u2581a", "中", "中文", "aaaa", "<", "s", "<s", ">"}) {
    add(vocab, text, TokenKind::kNormal, score);
    score -= 1;
  }
  add(vocab, "<t>", TokenKind::kUserDefined);
  return Tokenizer::create(std::move(vocab));
}

std::unique_ptr<Tokenizer> make_bpe(std::string_view pre) {
  Vocab vocab;
  vocab.model = "gpt2";
  vocab.pre = pre;
  for (int byte = 0; byte < 256; ++byte) {
    vocab.tokens.push_back(patina::tokenizer::byte_level_character(static_cast<uint8_t>(byte)));
  }
  for (const char* merge : {"a a", "a b", "aa aa", "\u0120 a", "1 2", "\u00E4 \u00B8"}) {
    vocab.merges.emplace_back(merge);
    std::string joined = merge;
    joined.erase(joined.find(' '), 1);
    vocab.tokens.push_back(joined);
  }
  vocab.tokens.emplace_back("<|im_end|>");
  vocab.bos = static_cast<TokenId>(vocab.tokens.size()) - 1;
  return Tokenizer::create(std::move(vocab));
}

void check_text(const Tokenizer& tokenizer, const std::string& text) {
  for (const bool parse_special : {false, true}) {
    const std::vector<TokenId> ids = tokenizer.encode(text, EncodeOptions{.parse_special = parse_special});
    const bool space_mark = tokenizer.vocab().model == "llama" && text.find("\u2581") != std::string::npos;
    require(space_mark || tokenizer.decode(ids, true) == text);
    patina::tokenizer::StreamDecoder decoder(tokenizer);
    for (const TokenId id : ids) (void)decoder.push(id);
    (void)decoder.finish();
  }
}

void check_vocab(std::string_view bytes) {
  Vocab vocab;
  const auto take = [&bytes]() -> int {
    if (bytes.empty()) return 0;
    const auto value = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    return value;
  };
  vocab.model = take() % 2 == 0 ? "llama" : "gpt2";
  vocab.bos = take() - 1;
  vocab.eos = take() - 1;
  vocab.unk = take() - 1;
  vocab.add_eos = take() % 3 - 1;
  const bool with_kinds = take() % 2 == 0;
  while (!bytes.empty()) {
    const size_t length = static_cast<size_t>(take()) % 8;
    const std::string text(bytes.substr(0, length));
    bytes.remove_prefix(text.size());
    if (with_kinds) vocab.kinds.push_back(static_cast<TokenKind>(take() % 8));
    if (take() % 4 == 0) vocab.merges.push_back(text + " " + text);
    vocab.tokens.push_back(text);
  }
  try {
    const auto tokenizer = Tokenizer::create(vocab);
    for (TokenId id = 0; id < tokenizer->size(); ++id) (void)tokenizer->piece(id, true);
    (void)tokenizer->decode(tokenizer->encode("a b <s> 中\xFF"));
  } catch (const patina::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::unique_ptr<Tokenizer>> tokenizers = [] {
    std::vector<std::unique_ptr<Tokenizer>> all;
    all.push_back(make_spm(true));
    all.push_back(make_spm(false));
    for (const std::string_view pre : kPreTokenizers) all.push_back(make_bpe(pre));
    return all;
  }();
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t choice = data[0] % (tokenizers.size() + 2);
  if (choice < tokenizers.size()) {
    check_text(*tokenizers[choice], text);
  } else if (choice == tokenizers.size()) {
    check_vocab(text);
  } else {
    (void)patina::tokenizer::recognise_chat_format(text);
    (void)patina::tokenizer::holds_instruction_markers(text);
    (void)patina::tokenizer::wrap_instruction(text);
  }
  return 0;
}
