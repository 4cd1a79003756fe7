#include "adapter/adapter_form.h"

#include <algorithm>
#include <array>

#include "adapter/peft/peft_folder.h"
#include "base/error.h"
#include "io/model_file.h"

namespace patina::adapter {

namespace {

struct NamedForm {
  AdapterForm form;
  std::string_view name;
};

constexpr std::array kForms = {
    NamedForm{AdapterForm::kGguf, "gguf"},
    NamedForm{AdapterForm::kPeft, "peft"},
    NamedForm{AdapterForm::kGgla, "ggla"},
};

}  // namespace

std::string_view form_name(AdapterForm form) { return std::ranges::find(kForms, form, &NamedForm::form)->name; }

AdapterForm form_from_name(std::string_view name) {
  const auto* found = std::ranges::find(kForms, name, &NamedForm::name);
  if (found == kForms.end()) {
    fail(ErrorKind::kInvalidArgument, "'{}' is no form of adapters; the forms are gguf, peft and ggla", name);
  }
  return found->form;
}

AdapterForm detect_adapter_form(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return AdapterForm::kPeft;
  switch (io::ModelFile::open(path)->form()) {
    case io::FileForm::kSafetensors:
      return AdapterForm::kPeft;
    case io::FileForm::kGgla:
      return AdapterForm::kGgla;
    default:
      return AdapterForm::kGguf;
  }
}

void save_adapter(const LoraAdapter& adapter, const std::filesystem::path& path, const SaveOptions& options) {
  switch (options.form) {
    case AdapterForm::kGguf:
      return save_lora(adapter, path, options.type);
    case AdapterForm::kPeft:
      return save_peft(adapter, path, options.type, options.base);
    case AdapterForm::kGgla:
      return save_ggla(adapter, path, options.type, options.ggla_names);
  }
}

}  // namespace patina::adapter
