#pragma once

#include <filesystem>
#include <optional>

#include "adapter/base_model.h"
#include "adapter/lora_adapter.h"
#include "io/model_file.h"
#include "quant/dtype.h"

namespace patina::adapter {

// Of what time the names in a ggla file are: GGUF's (since August 2023), or GGJT's before
// ("layers.0.attention.wq.weight").
enum class GglaNames { kGguf, kGgjt };

// The adapter in a ggla file (docs/formats/ggla.md). The form does not name an architecture: it is that of `base`, or
// `llama`, for which it was made. Layers outside the blocks and norms, which llama.cpp's old finetune trained, are read
// as layers like others; attach_lora() refuses them. Throws as read_lora() does.
LoraAdapter read_ggla(const io::ModelFile& file, const std::optional<BaseModel>& base);

// Writes such a file, atomically. Alpha and rank are whole numbers in it, for all layers together: where the adapter's
// scale is no such quotient, the matrices B take up the difference. `type`: kF32 or kF16. Throws as save_lora() does,
// and kUnsupported for magnitudes and for a layer that GGJT has no name for, where that is asked for.
void save_ggla(const LoraAdapter& adapter, const std::filesystem::path& path, quant::DType type, GglaNames names);

}  // namespace patina::adapter
