#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "train/data/text_encoding.h"

namespace patina::train {

// One example as the user wrote it.
struct Row {
  std::string prompt;    // what tokenizer::wrap_instruction() takes; empty in plain text
  std::string response;  // the answer, or the whole line of plain text; never empty
  size_t line;           // where it begins in the file, from 1
};

struct TrainingText {
  bool instructions;  // rows are prompts and responses; else plain text, one example a line
  std::vector<Row> rows;
};

// Text in either of two forms. Blocks, where any line begins with one of the markers:
//
//   ### Instruction:         the prompt, over one or several lines (also on the marker's own line)
//   ### Input:               optional, may be empty; joined to the prompt as "{instruction}\n### Input:\n{input}"
//   ### Response:            the answer
//
// White space before a marker, the spaces inside it and letter case do not matter, the colon may be full-width. Else
// plain text, one example a line, empty lines skipped. Indentation common to all lines is removed; so is white space at
// the ends of every text. `text` is as decode_text() gives it. Throws kInvalidData, with a sentence that begins with
// `source` and the line, for blocks out of order, empty instructions or responses and text before the first marker; and
// for a text without examples.
TrainingText parse_training_text(std::string_view text, std::string_view source);

// Reads, decodes and parses a file. Throws kNotFound, kIo, and as the two functions do.
TrainingText read_training_text(const std::filesystem::path& path, TextEncoding encoding = TextEncoding::kAuto);

}  // namespace patina::train
