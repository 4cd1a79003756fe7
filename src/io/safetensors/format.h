#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "quant/dtype.h"

// Constants of the safetensors format (huggingface/safetensors, README.md and the PyPI package safetensors 0.8.0);
// docs/formats/safetensors.md draws it byte by byte.
namespace patina::io::safetensors {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr uint64_t kHeaderAlignment = 8;           // of the first tensor's data, by spaces at the header's end
constexpr std::string_view kMetadataKey = "__metadata__";

struct TypeName {
  std::string_view name;
  quant::DType type;
};

// The types that patina reads and writes, in the order in which the package sorts their tensors.
constexpr std::array kTypeNames = {
    TypeName{"F32", quant::DType::kF32},
    TypeName{"BF16", quant::DType::kBF16},
    TypeName{"F16", quant::DType::kF16},
};

}  // namespace patina::io::safetensors
