#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patina::io::ggjt {

// GGJT's tensor name in GGUF's words: "layers.7.attention.wq.weight" → "blk.7.attn_q.weight". Empty for an unknown one.
std::optional<std::string> to_gguf_name(std::string_view name);
// The other way round.
std::optional<std::string> from_gguf_name(std::string_view name);

}  // namespace patina::io::ggjt
