#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"
#include "train/data/training_text.h"

namespace patina::train {

using tokenizer::TokenId;

// A row as tokens. Those from `loss_begin` on are to be learned, each from all before it; the last is end-of-text.
struct Example {
  std::vector<TokenId> tokens;
  size_t loss_begin;  // at least 1: nothing comes before the first token
  size_t line;        // in the training text

  size_t loss_tokens() const { return tokens.size() - loss_begin; }
};

// Tokens of every row. Of an instruction's: BOS where the vocabulary has it, wrap_instruction(prompt), the response
// encoded as its continuation, end-of-text; only the response and end-of-text carry loss. So the response's tokens
// follow the very tokens that prompting will give. Of plain text: BOS, the text, end-of-text, all but BOS with loss.
// Throws kInvalidData, naming `source` and line, for an example of more than `context` tokens or one that the
// vocabulary cannot express; kUnsupported for a vocabulary without an end-of-text token.
std::vector<Example> make_examples(const tokenizer::Tokenizer& tokenizer, const TrainingText& text, size_t context,
                                   std::string_view source);

// A number that tells these examples, in this order, from others.
uint64_t digest(std::span<const Example> examples);

}  // namespace patina::train
