#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tokenizer/chat_template.h"

namespace patina::train {

enum class RowKind {
  kText,      // plain text, learned whole
  kQuestion,  // a prompt and its response, written as instruction blocks
  kChat,      // a conversation, written in the model's chat format
};

// One example as the user wrote it.
struct Row {
  RowKind kind = RowKind::kText;
  // In kText one turn of the assistant's. In kQuestion one of the user's and one of the assistant's. In kChat any, with
  // at least one of the assistant's. What the assistant says is never empty.
  std::vector<tokenizer::ChatMessage> turns;
  bool ends = true;  // false: the text goes on in the next row
  // Of a preference: what the last turn should not be. That turn is the assistant's.
  std::optional<std::string> rejected = std::nullopt;
};

Row text_row(std::string text);
Row question_row(std::string prompt, std::string response);
// "{instruction}\n### Input:\n{input}", or only the instruction where the input is empty: a question's prompt.
std::string joined_prompt(std::string_view instruction, std::string_view input);

// Bytes from `begin` to before `end` of a text.
struct TextSpan {
  size_t begin;
  size_t end;

  size_t size() const { return end - begin; }
};

// What is wrong with a row, in a sentence that says what to do, and where in the text.
class RowError : public std::runtime_error {
 public:
  RowError(size_t offset, const std::string& sentence) : std::runtime_error(sentence), offset_(offset) {}
  size_t offset() const { return offset_; }

 private:
  size_t offset_;
};

}  // namespace patina::train
