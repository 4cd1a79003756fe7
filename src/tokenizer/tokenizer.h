#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/special_splitter.h"
#include "tokenizer/token_table.h"
#include "tokenizer/vocab.h"

namespace patina::tokenizer {

struct EncodeOptions {
  bool add_special = true;    // BOS / EOS as the vocabulary says
  bool parse_special = true;  // text of control tokens ("<|im_end|>") becomes the token; user-defined ones always do
  bool continues = false;     // the text goes on from one already encoded: no space is put in front of it
};

// Text to token ids and back. Immutable after construction and safe to share between threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Throws kInvalidData for a vocabulary that contradicts itself, kUnsupported (with the name and the supported names)
  // for an unknown model or pre-tokenizer.
  static std::unique_ptr<Tokenizer> create(Vocab vocab);

  // `text` should be UTF-8; bytes that are not are encoded as bytes and come back as they were. Throws kInvalidArgument
  // for a character or byte that a vocabulary without byte tokens and without an unknown token cannot express.
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const;

  // The bytes of one token, possibly part of a character. Control and unknown tokens give "" unless `render_special`.
  // An id outside the vocabulary is kInvalidArgument.
  virtual std::string piece(TokenId id, bool render_special = false) const = 0;

  // The bytes of a sequence; the exact inverse of encode(): a leading BOS, a trailing EOS and the spaces that encode()
  // put in front are removed. (In a "llama" vocabulary U+2581 stands for the space, and comes back as one.)
  std::string decode(const std::vector<TokenId>& ids, bool render_special = false) const;

  const Vocab& vocab() const { return vocab_; }  // with `kinds` filled in
  int size() const { return static_cast<int>(vocab_.tokens.size()); }
  TokenId bos() const { return vocab_.bos; }
  TokenId eos() const { return vocab_.eos; }
  bool adds_bos() const { return adds_bos_; }  // whether encode() with add_special puts BOS in front
  bool adds_eos() const { return adds_eos_; }  // ... and EOS at the end
  // True for every token that ends generation: eos, eot, and the family's own end markers found by their text
  // (<|im_end|>, <end_of_turn>, <|eot_id|>, <|endoftext|> ...).
  bool is_end_of_generation(TokenId id) const { return table_.ends_generation(id); }
  // The token whose text is exactly `text` (of several the lowest), or kNoToken.
  TokenId find(std::string_view text) const { return table_.find(text); }

 protected:
  Tokenizer(Vocab vocab, bool adds_bos_by_default);

  TokenKind kind(TokenId id) const;  // throws kInvalidArgument for an id outside the vocabulary

 private:
  // Appends the ids of plain text. `begins`: nothing but special tokens comes directly before it.
  virtual void encode_text(std::string_view text, bool begins, std::vector<TokenId>& ids) const = 0;
  // Whether encode_text() puts a space in front of a text that begins.
  virtual bool prefixes_space() const { return false; }
  // Whether encode_text() may give the unknown token; if not, it only comes from its own text.
  virtual bool gives_unknown() const { return vocab_.unk != kNoToken; }

  Vocab vocab_;
  TokenTable table_;
  SpecialSplitter user_defined_;
  SpecialSplitter all_special_;
  bool adds_bos_;
  bool adds_eos_;
};

// Turns a stream of tokens into text without ever handing out half a UTF-8 character. Not thread safe; one a stream.
// Refers to the tokenizer, which must outlive it. The concatenated output is the concatenation of the pieces.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool render_special = false);
  // The complete characters that this token finished, possibly "". Bytes that cannot become a character come out as
  // U+FFFD.
  std::string push(TokenId id);
  // What is left at the end of the stream, an incomplete character as U+FFFD.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool render_special_;
  std::string pending_;  // at most 3 bytes between calls
};

}  // namespace patina::tokenizer
