#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "adapter/base_model.h"
#include "adapter/ggla_file.h"
#include "adapter/lora_adapter.h"
#include "quant/dtype.h"

namespace patina::adapter {

// The forms that adapters are kept in, under the names "gguf", "peft" and "ggla".
enum class AdapterForm { kGguf, kPeft, kGgla };

std::string_view form_name(AdapterForm form);
// Throws kInvalidArgument, listing the names.
AdapterForm form_from_name(std::string_view name);

// By the content. Throws as ModelFile::open() does; what is no adapter at all counts as kGguf.
AdapterForm detect_adapter_form(const std::filesystem::path& path);

struct SaveOptions {
  AdapterForm form = AdapterForm::kGguf;
  quant::DType type = quant::DType::kF16;  // kF16 or kF32
  std::optional<BaseModel> base;           // see save_peft()
  GglaNames ggla_names = GglaNames::kGguf;
};

// Writes the adapter in that form, atomically. Throws as save_lora(), save_peft() and save_ggla() do.
void save_adapter(const LoraAdapter& adapter, const std::filesystem::path& path, const SaveOptions& options);

}  // namespace patina::adapter
