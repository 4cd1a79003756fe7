#pragma once

#include <filesystem>
#include <optional>

#include "adapter/base_model.h"
#include "adapter/lora_adapter.h"
#include "quant/dtype.h"

namespace patina::adapter {

constexpr const char* kPeftTensorFile = "adapter_model.safetensors";

// Reads the adapter that PEFT keeps in a folder as adapter_config.json and adapter_model.safetensors
// (docs/formats/peft.md), and turns it into GGUF's words: its names, its order of rows (which needs the numbers of
// heads of `base`), one alpha. A base of no architecture ("") leaves rows as they are: enough to look at an adapter,
// not to apply it.
//
// Throws, with a sentence that names the file, kInvalidArgument without `base`, kNotFound and kIo, kInvalidData for
// what is incomplete or corrupt, kUnsupported for what patina cannot apply (see read_peft_config(); other
// modules; a pickle in place of safetensors), kIncompatible where the base has other heads.
LoraAdapter load_peft(const std::filesystem::path& folder, const std::optional<BaseModel>& base);

// Writes such a folder, which appears whole (platform::AtomicFolder) and must not exist yet or be empty. `type`: kF32
// or kF16. What PEFT has no place for - the base's fingerprint, the prompt template - is kept in the safetensors
// file's metadata. `base` is needed where the adapter changes queries or keys of `llama`. Throws kInvalidArgument
// without it, kIncompatible when it is of another architecture or has other heads, kUnsupported for norms, and as
// save_lora() does.
void save_peft(const LoraAdapter& adapter, const std::filesystem::path& folder, quant::DType type,
               const std::optional<BaseModel>& base);

}  // namespace patina::adapter
