#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "io/parsed_file.h"

namespace patina::io {

// Parses GGUF version 2 or 3, little-endian. Tensor data is as aligned in memory as `bytes` is, up to the file's own
// alignment (at least 8). Memory needed is bounded by a small multiple of the size of the header. Throws kInvalidData
// for what is truncated or corrupt, kUnsupported for other versions, big-endian files, nested arrays and unknown tensor
// types, with a sentence that begins with `source`. Thread-safe.
ParsedFile parse_gguf(std::span<const std::byte> bytes, std::string_view source);

}  // namespace patina::io
