#pragma once

#include <string>
#include <vector>

#include "io/model_file.h"

namespace patina::io::ggjt {

// A token as a GGJT file writes it: spaces where SentencePiece has U+2581, a byte token as that one raw byte, control
// tokens as nothing, the unknown token as " ⁇ ".
struct RawToken {
  std::string text;
  float score;
};

// Sets the `tokenizer.ggml.*` entries that GGUF has for such a vocabulary: "<0x0A>" for byte tokens, U+2581 for
// spaces, and the kinds of the tokens, which GGJT leaves to be guessed.
void add_vocabulary(Metadata& metadata, std::vector<RawToken> tokens);

// The other way round. Throws kUnsupported when the metadata holds no SentencePiece-style vocabulary with its unknown,
// begin and end tokens at 0, 1 and 2.
std::vector<RawToken> legacy_vocabulary(const Metadata& metadata);

}  // namespace patina::io::ggjt
