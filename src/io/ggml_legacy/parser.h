#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "io/parsed_file.h"

namespace patina::io {

// Parses GGJT version 3. What it holds is given in GGUF's words: metadata keys, tensor names, token texts. Tensor data
// is as aligned in memory as `bytes` is, up to 32. Throws kInvalidData for what is truncated or corrupt, kUnsupported
// for other versions and unknown tensor types, kInvalidArgument for a hint that cannot be, with a sentence that begins
// with `source`. Thread-safe.
ParsedFile parse_ggjt(std::span<const std::byte> bytes, std::string_view source, const LegacyHints& hints = {});

}  // namespace patina::io
