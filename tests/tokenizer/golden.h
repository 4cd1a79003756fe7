#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tokenizer/vocab.h"

namespace patina::tokenizer::golden {

nlohmann::json load(const std::string& path);

// The fields of Vocab under their own names; absent ones keep their defaults.
Vocab vocab_from(const nlohmann::json& json);

// Texts are stored as hexadecimal bytes, so that NUL and ill-formed UTF-8 can be among them.
std::string text_from_hex(const std::string& hex);

}  // namespace patina::tokenizer::golden
