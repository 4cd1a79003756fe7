#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "train/data/row.h"

namespace patina::train {

// A row by its named fields, the first of these that is complete; other fields do not matter:
//
//   chosen, rejected, maybe prompt    a preference between two answers: texts after a prompt, or lists as in messages,
//                                     which are the answers after a prompt or end with them
//   messages                          [{"role": "user", "content": "..."}, ...], a conversation
//   conversations                     [{"from": "human", "value": "..."}, ...], the same as ShareGPT has it
//   instruction, output, maybe input  a question as Alpaca has it
//   prompt, completion                a question
//   text                              plain text
//
// Roles are system; user or human; assistant, gpt, model, bot or chatgpt. White space at the ends of texts is removed,
// but for those of a conversation. Throws RowError at `offset` for another value than an object, unknown fields, values
// that are no text, empty texts, unknown roles, and a conversation without an answer.
Row row_from_fields(const nlohmann::json& fields, size_t offset);

// Whether a row can be made of fields with these names.
bool are_row_fields(std::span<const std::string> names);

// "text"; "prompt" and "completion"; ...: to advise what to write.
std::string_view row_fields_advice();

}  // namespace patina::train
