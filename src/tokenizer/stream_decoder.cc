#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace patina::tokenizer {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool render_special)
    : tokenizer_(&tokenizer), render_special_(render_special) {}

std::string StreamDecoder::push(TokenId id) {
  pending_ += tokenizer_->piece(id, render_special_);
  std::string complete;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Character character = first_character(rest);
    if (character.status == Utf8Status::kIncomplete) break;
    complete += character.status == Utf8Status::kComplete ? rest.substr(0, character.length) : kReplacementCharacter;
    rest.remove_prefix(character.length);
  }
  pending_ = std::string(rest);
  return complete;
}

std::string StreamDecoder::finish() {
  const bool incomplete = !pending_.empty();
  pending_.clear();
  return std::string(incomplete ? kReplacementCharacter : "");
}

}  // namespace patina::tokenizer
