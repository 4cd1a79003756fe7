#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"
#include "train/data/row.h"

namespace patina::train {

using tokenizer::TokenId;

// Positions from `begin` to before `end`.
struct TokenRange {
  size_t begin;
  size_t end;

  size_t size() const { return end - begin; }
  friend bool operator==(const TokenRange&, const TokenRange&) = default;
};

// A row as tokens. Those in the ranges of `loss` are to be learned, each from all before it.
struct Example {
  std::vector<TokenId> tokens;
  std::vector<TokenRange> loss;  // ascending, apart, none empty; from 1 on, since nothing comes before the first token
  // Of a preference: the same conversation with the answer that is not wanted.
  std::shared_ptr<const Example> rejected = nullptr;

  size_t loss_tokens() const;
};

// How many tokens at the example's beginning need not be repeated behind a sequence that begins with the same: those
// before the last one that comes before loss, since that predicts it. 0 where they are too few to be worth it.
size_t shared_beginning(const Example& example, std::span<const TokenId> sequence);

struct ExampleOptions {
  tokenizer::ChatFormat chat = tokenizer::ChatFormat::kInstruction;  // of conversations; questions are instructions
  bool mask_prompt = true;  // only answers carry loss; else all does but the first token
  size_t context = 0;       // tokens that an example may have; 0: any number
  bool rejected = true;     // of preferences, what is not wanted is made too; else they are what was chosen
};

// Makes examples of rows for a vocabulary. Immutable; safe to share between threads. Refers to the tokenizer.
//
// A conversation becomes BOS where the vocabulary has it and the text of its chat format, up to the end of its last
// answer; loss is on answers and on what ends them. What comes before an answer has the very tokens that prompting will
// give. Markers of control tokens inside an answer are its text. An answer ends with its format's marker, and the last,
// where that is no token that ends generation, with end-of-text. A question is a conversation of one answer in
// instruction blocks. A preference is the conversation with the chosen answer, and that with the rejected one, of which
// only the last answers carry loss. Plain text is BOS, the text and, if the row ends, end-of-text, with loss on all but
// the first.
class ExampleMaker {
 public:
  // Throws kUnsupported for a vocabulary without an end-of-text token.
  ExampleMaker(const tokenizer::Tokenizer& tokenizer, const ExampleOptions& options);

  // Throws kInvalidData for an example of more tokens than the context, or of none to learn; as Tokenizer::encode() for
  // text that the vocabulary cannot express.
  Example make(const Row& row) const;

  // The tokens of plain text alone.
  size_t count(std::string_view text) const { return tokenizer_.encode(text, {.add_special = false}).size(); }

  const ExampleOptions& options() const { return options_; }

 private:
  Example make_one(const Row& row) const;
  Example plain_text(const Row& row) const;
  Example conversation(const Row& row) const;
  void encode(std::string_view text, tokenizer::EncodeOptions options, std::vector<TokenId>& tokens) const;
  bool ends_with_special(const std::vector<TokenId>& tokens) const;

  const tokenizer::Tokenizer& tokenizer_;
  ExampleOptions options_;
  TokenId end_of_text_;
};

}  // namespace patina::train
