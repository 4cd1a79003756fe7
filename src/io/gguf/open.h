#pragma once

#include <filesystem>
#include <memory>

#include "io/model_file.h"
#include "platform/mapped_file.h"

namespace patina::io {

// The model in `file`, which is mapped from `path`; when it is a part of a split file, all its parts, in their order,
// found by name (NAME-00001-of-00003.gguf) beside it. The metadata is the first part's, without what is said of the
// split. Throws as ModelFile::open does.
std::unique_ptr<ModelFile> open_gguf(const std::filesystem::path& path, platform::MappedFile file);

}  // namespace patina::io
