#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "io/parsed_file.h"

namespace patina::io {

// Parses a safetensors file. Tensors keep their names and come in the order of their data; shapes are turned round
// (shape[0] = row length), and a number without dimensions is a vector of one. The texts of `__metadata__` become
// metadata. Data has any alignment. Memory needed is bounded by a small multiple of the size of the header.
//
// Throws, with a sentence that begins with `source`, kInvalidData for what is truncated or corrupt - tensors must cover
// the data without gaps or overlaps, as the format asks - and kUnsupported for other types than F32, F16 and BF16, more
// than 4 dimensions and tensors without elements. Thread-safe.
ParsedFile parse_safetensors(std::span<const std::byte> bytes, std::string_view source);

}  // namespace patina::io
