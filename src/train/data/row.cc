#include "train/data/row.h"

#include <utility>

namespace patina::train {

Row text_row(std::string text) { return {.kind = RowKind::kText, .turns = {{"assistant", std::move(text)}}}; }

Row question_row(std::string prompt, std::string response) {
  return {.kind = RowKind::kQuestion, .turns = {{"user", std::move(prompt)}, {"assistant", std::move(response)}}};
}

std::string joined_prompt(std::string_view instruction, std::string_view input) {
  std::string prompt(instruction);
  if (!input.empty()) prompt.append("\n### Input:\n").append(input);
  return prompt;
}

}  // namespace patina::train
