#pragma once

#include <nlohmann/json_fwd.hpp>

#include "server/completer.h"
#include "server/json_fields.h"

namespace patina::server {

// The sampling fields that every generating endpoint knows: temperature, n_predict (or max_tokens,
// max_completion_tokens), top_k, top_p, min_p, repeat_penalty, repeat_last_n, presence_penalty, frequency_penalty, seed
// (-1: a random one), stop, ignore_eos. Throws kInvalidArgument, naming the field.
engine::GenerationParams read_generation_params(const Fields& fields, const GenerationDefaults& defaults);

// The same fields as JSON, for /props and answers.
nlohmann::json generation_params_json(const engine::GenerationParams& params);

}  // namespace patina::server
