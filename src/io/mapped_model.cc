#include "io/mapped_model.h"

#include <utility>

#include "io/tensor_layout.h"

namespace patina::io {

MappedModel::MappedModel(FileForm form, std::filesystem::path path, std::vector<platform::MappedFile> parts,
                         ParsedFile contents)
    : parts_(std::move(parts)) {
  form_ = form;
  path_ = std::move(path);
  metadata_ = std::move(contents.metadata);
  tensors_ = std::move(contents.tensors);
  for (const platform::MappedFile& part : parts_) total_bytes_ += part.size();
  check_distinct(tensors_, path_.string());
  index_tensors();
}

void MappedModel::expect(platform::AccessHint access) const {
  for (const platform::MappedFile& part : parts_) part.advise(access);
}

void MappedModel::release_pages(std::span<const std::byte> data) const {
  for (const platform::MappedFile& part : parts_) {
    if (part.contains(data)) {
      part.drop(data);
      return;
    }
  }
}

}  // namespace patina::io
