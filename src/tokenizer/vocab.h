#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace patina::tokenizer {

using TokenId = int32_t;
constexpr TokenId kNoToken = -1;

// Kinds of tokens, numbered as in `tokenizer.ggml.token_type`.
enum class TokenKind : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

// Everything a tokenizer is built from, free of any file format. `io` metadata is turned into it by
// model/vocab_from_file.h.
struct Vocab {
  std::string model;  // "llama" (SentencePiece-style) or "gpt2" (byte-level BPE)
  std::string pre;    // pre-tokenizer of "gpt2", e.g. "llama-bpe"; empty when the file has none
  std::vector<std::string> tokens;
  std::vector<float> scores;        // "llama" only; may be empty
  std::vector<TokenKind> kinds;     // may be empty: all normal
  std::vector<std::string> merges;  // "gpt2" only: "left right"
  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  TokenId eot = kNoToken;
  TokenId unk = kNoToken;
  TokenId pad = kNoToken;
  // Unset (-1) means: the model's default (SPM adds BOS, BPE does not unless its pre-tokenizer says so).
  int add_bos = -1;
  int add_eos = -1;
  int add_space_prefix = -1;
  std::string chat_template;  // Jinja source from the file, only used to recognise a known family
};

}  // namespace patina::tokenizer
