#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"
#include "train/data/training_text.h"

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

  size_t loss_tokens() const;
};

// Tokens of every row. Of an instruction's: BOS where the vocabulary has it, wrap_instruction(prompt), the response
// encoded as its continuation, end-of-text; only the response and end-of-text carry loss. So the response's tokens
// follow the very tokens that prompting will give. Of plain text: BOS, the text, end-of-text, all but BOS with loss.
// Throws kInvalidData, naming `source` and line, for an example of more than `context` tokens or one that the
// vocabulary cannot express; kUnsupported for a vocabulary without an end-of-text token.
std::vector<Example> make_examples(const tokenizer::Tokenizer& tokenizer, const TrainingText& text, size_t context,
                                   std::string_view source);

}  // namespace patina::train
