#pragma once

#include "io/model_file.h"
#include "tokenizer/vocab.h"

namespace patina::model {

// The vocabulary in a file's metadata (`tokenizer.ggml.*`, `tokenizer.chat_template`), of a file of any architecture,
// with or without tensors; Tokenizer::create() takes it. Begin, end and unknown tokens that a SentencePiece-style file
// does not name are 1, 2 and 0, as llama.cpp has it; other tokens that are not named are kNoToken.
//
// Throws kInvalidData, with a sentence that names the file, when there is no vocabulary, when an entry has another type
// than it should or its length differs from the number of tokens, and when a token's id or kind does not exist. Whether
// the tokenizer model and the pre-tokenizer are known is left to Tokenizer::create().
tokenizer::Vocab vocab_from_file(const io::ModelFile& file);

}  // namespace patina::model
