#pragma once

#include <filesystem>
#include <memory>

#include "io/model_file.h"
#include "platform/mapped_file.h"

namespace patina::io {

// The model in `file`, a GGJT file of version 3 mapped from `path`. Throws as ModelFile::open does.
std::unique_ptr<ModelFile> open_ggjt(const std::filesystem::path& path, platform::MappedFile file,
                                     const LegacyHints& hints);

}  // namespace patina::io
