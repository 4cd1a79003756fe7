#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "io/model_file.h"

namespace patina::io {

// Writes an adapter in the ggla form, atomically: on failure (kIo) `path` is as it was. The tensors' names are written
// as they are. Throws kInvalidArgument for other types than F32 and F16, for shapes that the form cannot express, and
// where data, shape and type disagree.
void write_ggla(const std::filesystem::path& path, int32_t rank, int32_t alpha, std::span<const TensorToWrite> tensors);

}  // namespace patina::io
