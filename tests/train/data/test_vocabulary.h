#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace patina::train {

// A SentencePiece-style vocabulary of the given pieces behind <unk>, <s>, </s>, the 256 bytes and the space mark.
inline std::unique_ptr<tokenizer::Tokenizer> make_tokenizer(const std::vector<std::string>& pieces,
                                                            bool adds_bos = true) {
  using tokenizer::TokenKind;
  tokenizer::Vocab vocab;
  vocab.model = "llama";
  const auto add = [&](const std::string& text, TokenKind kind) {
    vocab.tokens.push_back(text);
    vocab.kinds.push_back(kind);
    vocab.scores.push_back(0);
  };
  add("<unk>", TokenKind::kUnknown);
  add("<s>", TokenKind::kControl);
  add("</s>", TokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), TokenKind::kByte);
  add("\u2581", TokenKind::kNormal);
  for (const std::string& piece : pieces) add(piece, TokenKind::kNormal);
  vocab.unk = 0;
  vocab.bos = 1;
  vocab.eos = 2;
  vocab.add_bos = adds_bos ? 1 : 0;
  vocab.add_space_prefix = 1;
  return tokenizer::Tokenizer::create(std::move(vocab));
}

}  // namespace patina::train
