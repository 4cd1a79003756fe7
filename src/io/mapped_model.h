#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/parsed_file.h"
#include "platform/mapped_file.h"

namespace patina::io {

// A model held in one or several mapped files. What the readers of the formats have parsed is handed over whole.
class MappedModel : public ModelFile {
 public:
  // `parts` in order; the tensors of `contents` point into them. Throws kInvalidData when a tensor's name is there
  // twice.
  MappedModel(FileForm form, std::filesystem::path path, std::vector<platform::MappedFile> parts, ParsedFile contents);

  void expect(platform::AccessHint access) const override;
  void release_pages(std::span<const std::byte> data) const override;

 private:
  std::vector<platform::MappedFile> parts_;
};

}  // namespace patina::io
