#include "train/data/example.h"

#include <string>

#include "base/error.h"
#include "tokenizer/chat_template.h"

namespace patina::train {
namespace {

TokenId end_of_text(const tokenizer::Tokenizer& tokenizer) {
  if (tokenizer.eos() != tokenizer::kNoToken) return tokenizer.eos();
  if (tokenizer.vocab().eot != tokenizer::kNoToken) return tokenizer.vocab().eot;
  fail(ErrorKind::kUnsupported, "this model's vocabulary has no end-of-text token, so answers could not learn to end");
}

void append_encoded(const tokenizer::Tokenizer& tokenizer, std::string_view text, tokenizer::EncodeOptions options,
                    std::vector<TokenId>& tokens) {
  const std::vector<TokenId> ids = tokenizer.encode(text, options);
  tokens.insert(tokens.end(), ids.begin(), ids.end());
}

Example make_example(const tokenizer::Tokenizer& tokenizer, const Row& row, bool instruction, TokenId end) {
  Example example;
  size_t loss_begin = 1;
  if (tokenizer.adds_bos()) example.tokens.push_back(tokenizer.bos());
  if (instruction) {
    append_encoded(tokenizer, tokenizer::wrap_instruction(row.prompt), {.add_special = false}, example.tokens);
    loss_begin = example.tokens.size();
    // Markers of control tokens inside an answer are its text: what is printed is the text, never a control token.
    append_encoded(tokenizer, row.response, {.add_special = false, .parse_special = false, .continues = true},
                   example.tokens);
  } else {
    append_encoded(tokenizer, row.response, {.add_special = false}, example.tokens);
  }
  example.tokens.push_back(end);
  example.loss = {{loss_begin, example.tokens.size()}};
  return example;
}

}  // namespace

size_t Example::loss_tokens() const {
  size_t count = 0;
  for (const TokenRange& range : loss) count += range.size();
  return count;
}

std::vector<Example> make_examples(const tokenizer::Tokenizer& tokenizer, const TrainingText& text, size_t context,
                                   std::string_view source) {
  const TokenId end = end_of_text(tokenizer);
  std::vector<Example> examples;
  examples.reserve(text.rows.size());
  for (const Row& row : text.rows) {
    try {
      examples.push_back(make_example(tokenizer, row, text.instructions, end));
    } catch (const Error& error) {
      fail(ErrorKind::kInvalidData, "{}:{}: {}", source, row.line, error.what());
    }
    const size_t tokens = examples.back().tokens.size();
    if (tokens > context) {
      fail(ErrorKind::kInvalidData,
           "{}:{}: this example has {} tokens, more than the context of {}; shorten or split it, or give a larger -c "
           "where "
           "the model allows",
           source, row.line, tokens, context);
    }
  }
  return examples;
}

}  // namespace patina::train
