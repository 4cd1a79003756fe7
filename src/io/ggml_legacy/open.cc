#include "io/ggml_legacy/open.h"

#include <utility>
#include <vector>

#include "io/ggml_legacy/parser.h"
#include "io/mapped_model.h"

namespace patina::io {

std::unique_ptr<ModelFile> open_ggjt(const std::filesystem::path& path, platform::MappedFile file,
                                     const LegacyHints& hints) {
  ParsedFile contents = parse_ggjt(file.bytes(), path.string(), hints);
  std::vector<platform::MappedFile> parts;
  parts.push_back(std::move(file));
  return std::make_unique<MappedModel>(FileForm::kGgjt, path, std::move(parts), std::move(contents));
}

}  // namespace patina::io
