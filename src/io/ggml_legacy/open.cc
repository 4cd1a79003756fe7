#include "io/ggml_legacy/open.h"

#include "base/error.h"

namespace patina::io {

std::unique_ptr<ModelFile> open_ggjt(const std::filesystem::path& path, platform::MappedFile /*file*/,
                                     const LegacyHints& /*hints*/) {
  fail(ErrorKind::kUnsupported, "{} is a GGJT file, which cannot be read yet", path.string());
}

}  // namespace patina::io
