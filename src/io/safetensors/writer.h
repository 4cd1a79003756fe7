#pragma once

#include <filesystem>
#include <span>

#include "io/model_file.h"

namespace patina::io {

// Writes a safetensors file as the package of that name does, byte for byte (by type, then by name), atomically: on
// failure (kIo) `path` is as it was. `metadata` must hold texts only; the shapes are turned round (shape[0] = row
// length here, the last dimension there). Throws kInvalidArgument for a tensor whose data, shape and type disagree, for
// other types than F32, F16 and BF16, other metadata than texts, names given twice and what is no UTF-8.
void write_safetensors(const std::filesystem::path& path, const Metadata& metadata,
                       std::span<const TensorToWrite> tensors);

}  // namespace patina::io
