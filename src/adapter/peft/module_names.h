#pragma once

#include <optional>
#include <string>
#include <string_view>

// The linear layers of Hugging Face's models of the LLaMA family, and what they are called in GGUF files.
namespace patina::adapter::peft {

// "model.layers.0.self_attn.q_proj" → "blk.0.attn_q", also where the text model is a part of another
// ("model.language_model.layers..."). Empty for what is no linear layer of a block.
std::optional<std::string> site_of(std::string_view module);

// The other way round.
std::optional<std::string> module_of(std::string_view site);

// Sites come in the order of their blocks, and within them q, k, v, output, gate, up, down.
bool comes_before(std::string_view site, std::string_view other);

}  // namespace patina::adapter::peft
