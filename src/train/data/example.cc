#include "train/data/example.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"

namespace patina::train {
namespace {

TokenId end_of_text(const tokenizer::Tokenizer& tokenizer) {
  if (tokenizer.eos() != tokenizer::kNoToken) return tokenizer.eos();
  if (tokenizer.vocab().eot != tokenizer::kNoToken) return tokenizer.vocab().eot;
  fail(ErrorKind::kUnsupported, "this model's vocabulary has no end-of-text token, so answers could not learn to end");
}

}  // namespace

size_t Example::loss_tokens() const {
  size_t count = 0;
  for (const TokenRange& range : loss) count += range.size();
  return count;
}

size_t shared_beginning(const Example& example, std::span<const TokenId> sequence) {
  constexpr size_t kWorthSharing = 16;
  const std::span<const TokenId> candidates(example.tokens.data(), example.loss.front().begin - 1);
  const auto common = static_cast<size_t>(std::ranges::mismatch(candidates, sequence).in1 - candidates.begin());
  return common < kWorthSharing ? 0 : common;
}

ExampleMaker::ExampleMaker(const tokenizer::Tokenizer& tokenizer, const ExampleOptions& options)
    : tokenizer_(tokenizer), options_(options), end_of_text_(end_of_text(tokenizer)) {}

Example ExampleMaker::make(const Row& row) const {
  Example example = make_one(row);
  if (!row.rejected || !options_.rejected) return example;
  Row other = row;
  other.turns.back().content = *row.rejected;
  Example rejected = make_one(other);
  // Answers before the last one are the same in both.
  for (Example* one : {&example, &rejected}) {
    if (options_.mask_prompt) one->loss = {one->loss.back()};
  }
  example.rejected = std::make_shared<const Example>(std::move(rejected));
  return example;
}

Example ExampleMaker::make_one(const Row& row) const {
  Example example = row.kind == RowKind::kText ? plain_text(row) : conversation(row);
  const size_t tokens = example.tokens.size();
  if (options_.context > 0 && tokens > options_.context) {
    fail(
        ErrorKind::kInvalidData,
        "this example has {} tokens, more than the context of {}; shorten or split it{}, or give a larger -c where the "
        "model allows",
        tokens, options_.context, row.kind == RowKind::kText ? " (--text book cuts plain text)" : "");
  }
  if (!options_.mask_prompt) example.loss = {{1, tokens}};
  if (tokens < 2) fail(ErrorKind::kInvalidData, "this example has no token that could be learned from one before it");
  example.loss.front().begin = std::max<size_t>(example.loss.front().begin, 1);
  std::erase_if(example.loss, [](const TokenRange& range) { return range.size() == 0; });
  return example;
}

Example ExampleMaker::plain_text(const Row& row) const {
  Example example;
  if (tokenizer_.adds_bos()) example.tokens.push_back(tokenizer_.bos());
  encode(row.turns.front().content, {.add_special = false}, example.tokens);
  if (row.ends) example.tokens.push_back(end_of_text_);
  example.loss = {{1, example.tokens.size()}};
  return example;
}

Example ExampleMaker::conversation(const Row& row) const {
  const auto format = row.kind == RowKind::kQuestion ? tokenizer::ChatFormat::kInstruction : options_.chat;
  std::vector<tokenizer::ChatPiece> pieces = tokenizer::chat_pieces(format, row.turns);
  pieces.pop_back();  // nothing behind the last answer is learned
  Example example;
  std::vector<TokenId>& tokens = example.tokens;
  if (tokenizer_.adds_bos()) tokens.push_back(tokenizer_.bos());
  for (const tokenizer::ChatPiece& piece : pieces) {
    const bool continues = &piece != &pieces.front() && !ends_with_special(tokens);
    encode(piece.before, {.add_special = false, .continues = continues}, tokens);
    const size_t begin = tokens.size();
    encode(piece.answer, {.add_special = false, .parse_special = false, .continues = true}, tokens);
    encode(piece.end, {.add_special = false, .continues = true}, tokens);
    example.loss.push_back({begin, tokens.size()});
  }
  if (!tokenizer_.is_end_of_generation(tokens.back())) {
    tokens.push_back(end_of_text_);
    ++example.loss.back().end;
  }
  return example;
}

void ExampleMaker::encode(std::string_view text, tokenizer::EncodeOptions options, std::vector<TokenId>& tokens) const {
  const std::vector<TokenId> ids = tokenizer_.encode(text, options);
  tokens.insert(tokens.end(), ids.begin(), ids.end());
}

bool ExampleMaker::ends_with_special(const std::vector<TokenId>& tokens) const {
  if (tokens.empty()) return false;
  const tokenizer::TokenKind kind = tokenizer_.vocab().kinds[static_cast<size_t>(tokens.back())];
  return kind == tokenizer::TokenKind::kControl || kind == tokenizer::TokenKind::kUserDefined;
}

}  // namespace patina::train
