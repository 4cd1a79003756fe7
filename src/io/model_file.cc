#include "io/model_file.h"

#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/file_form.h"
#include "io/ggla/parser.h"
#include "io/ggml_legacy/parser.h"
#include "io/gguf/open.h"
#include "io/mapped_model.h"
#include "io/printable.h"
#include "io/safetensors/parser.h"
#include "platform/mapped_file.h"

namespace patina::io {

namespace {

// A file that is no part of others.
std::unique_ptr<ModelFile> whole(FileForm form, const std::filesystem::path& path, platform::MappedFile file,
                                 ParsedFile contents) {
  std::vector<platform::MappedFile> parts;
  parts.push_back(std::move(file));
  return std::make_unique<MappedModel>(form, path, std::move(parts), std::move(contents));
}

}  // namespace

int64_t TensorInfo::rows() const {
  return std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>());
}

int64_t TensorInfo::elements() const { return rows() * row_length(); }

std::unique_ptr<ModelFile> ModelFile::open(const std::filesystem::path& path, const LegacyHints& hints) {
  platform::MappedFile file(path);
  const std::string source = path.string();
  const FileForm form = detect_form(file.bytes(), source);
  if (form == FileForm::kGguf) return open_gguf(path, std::move(file));
  ParsedFile contents = form == FileForm::kGgjt   ? parse_ggjt(file.bytes(), source, hints)
                        : form == FileForm::kGgla ? parse_ggla(file.bytes(), source)
                                                  : parse_safetensors(file.bytes(), source);
  return whole(form, path, std::move(file), std::move(contents));
}

void require_model(const ModelFile& file) {
  if (file.metadata().get_string("general.type", "model") == "adapter") {
    fail(ErrorKind::kInvalidArgument,
         "{} is an adapter, not a model; adapters are given with --lora, and their model with -m",
         file.path().string());
  }
  if (file.form() == FileForm::kSafetensors) {
    fail(ErrorKind::kUnsupported,
         "{} is a safetensors file; a model is needed as GGUF: convert it with convert_hf_to_gguf.py of llama.cpp",
         file.path().string());
  }
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
