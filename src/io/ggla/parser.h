#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "io/parsed_file.h"

namespace patina::io {

// Parses an adapter in the ggla form. What the header says becomes metadata as in a GGUF adapter (general.type,
// adapter.type, adapter.lora.alpha) and ggla::kRankKey. Tensors keep their suffix (.loraA, .loraB) and get GGUF's name
// before it: "layers.0.attention.wq.weight.loraA" → "blk.0.attn_q.weight.loraA". Shapes are the file's.
//
// Throws, with a sentence that begins with `source`, kInvalidData for what is truncated or corrupt, kUnsupported for
// another version and other types than F32 and F16. Thread-safe.
ParsedFile parse_ggla(std::span<const std::byte> bytes, std::string_view source);

}  // namespace patina::io
