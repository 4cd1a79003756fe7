#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocab.h"

namespace patina::tokenizer {

struct EncodeOptions {
  bool add_special = true;    // BOS / EOS as the vocabulary says
  bool parse_special = true;  // text of control tokens ("<|im_end|>") becomes the token; user-defined ones always do
};

// Text to token ids and back. Immutable after construction and safe to share between threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Throws kInvalidData for a vocabulary that contradicts itself, kUnsupported (with the name and the supported names)
  // for an unknown model or pre-tokenizer.
  static std::unique_ptr<Tokenizer> create(Vocab vocab);

  // `text` must be UTF-8; bytes that are not are encoded as bytes and come back as they were.
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const;

  // The bytes of one token, possibly part of a character. Control tokens give "" unless `render_special`.
  virtual std::string piece(TokenId id, bool render_special = false) const = 0;

  // The bytes of a sequence; the exact inverse of encode(): a leading BOS and the space that encode() put in front are
  // removed.
  std::string decode(const std::vector<TokenId>& ids, bool render_special = false) const;

  const Vocab& vocab() const { return vocab_; }
  int size() const { return static_cast<int>(vocab_.tokens.size()); }
  TokenId bos() const { return vocab_.bos; }
  TokenId eos() const { return vocab_.eos; }
  bool adds_bos() const;  // whether encode() with add_special puts BOS in front
  // True for every token that ends generation: eos, eot, and the family's own end markers found by their text
  // (<|im_end|>, <end_of_turn>, <|eot_id|>, <|endoftext|> ...).
  bool is_end_of_generation(TokenId id) const;
  // The token whose text is exactly `text`, or kNoToken.
  TokenId find(std::string_view text) const;
};

// Turns a stream of tokens into text without ever handing out half a UTF-8 character. Not thread safe; one a stream.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool render_special = false);
  // The complete characters that this token finished, possibly "". Bytes that cannot become a character come out as
  // U+FFFD.
  std::string push(TokenId id);
  // What is left at the end of the stream, an incomplete character as U+FFFD.
  std::string finish();
};

}  // namespace patina::tokenizer
