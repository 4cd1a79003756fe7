#include "io/model_file.h"

#include <functional>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "io/file_form.h"
#include "io/ggml_legacy/open.h"
#include "io/gguf/open.h"
#include "io/printable.h"
#include "platform/mapped_file.h"

namespace patina::io {

int64_t TensorInfo::rows() const {
  return std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>());
}

int64_t TensorInfo::elements() const { return rows() * row_length(); }

std::unique_ptr<ModelFile> ModelFile::open(const std::filesystem::path& path, const LegacyHints& hints) {
  platform::MappedFile file(path);
  switch (detect_form(file.bytes(), path.string())) {
    case FileForm::kGgjt:
      return open_ggjt(path, std::move(file), hints);
    case FileForm::kGguf:
      break;
  }
  return open_gguf(path, std::move(file));
}

const TensorInfo* ModelFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

const TensorInfo& ModelFile::require(std::string_view name) const {
  const TensorInfo* tensor = find(name);
  if (tensor == nullptr) {
    fail(ErrorKind::kInvalidData, "{} lacks the tensor {}; it is incomplete or of another kind", path_.string(),
         printable(name));
  }
  return *tensor;
}

void ModelFile::index_tensors() {
  for (size_t i = 0; i < tensors_.size(); ++i) by_name_.try_emplace(tensors_[i].name, i);
}

}  // namespace patina::io
