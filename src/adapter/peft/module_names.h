#pragma once

#include <optional>
#include <string>
#include <string_view>

// The matrices of Hugging Face's models of the LLaMA family, and what they are called in GGUF files.
namespace patina::adapter::peft {

// "model.layers.0.self_attn.q_proj" → "blk.0.attn_q", also where the text model is a part of another
// ("model.language_model.layers..."); "model.embed_tokens" → "token_embd", "lm_head" → "output". Empty for all else.
std::optional<std::string> site_of(std::string_view module);

// The other way round.
std::optional<std::string> module_of(std::string_view site);

// Sites come in the order of a forward pass: embeddings, the blocks, in each q, k, v, output, gate, up, down; all else.
bool comes_before(std::string_view site, std::string_view other);

}  // namespace patina::adapter::peft
