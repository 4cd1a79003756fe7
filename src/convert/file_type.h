#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "io/metadata.h"
#include "io/model_file.h"
#include "quant/dtype.h"

namespace patina::convert {

// What a whole model is quantized to: a type for most of its matrices, and in the mixes (_S, _M, _L) more bits for
// those that need them most. The numbers are those of GGUF's `general.file_type` (llama.cpp, llama.h: llama_ftype).
enum class FileType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ8_0 = 7,
  kQ5_0 = 8,
  kQ5_1 = 9,
  kQ2_K = 10,
  kQ3_K_S = 11,
  kQ3_K_M = 12,
  kQ3_K_L = 13,
  kQ4_K_S = 14,
  kQ4_K_M = 15,
  kQ5_K_S = 16,
  kQ5_K_M = 17,
  kQ6_K = 18,
  kIQ4_NL = 25,
  kBF16 = 32,
};

struct FileTypeInfo {
  FileType type;
  std::string_view name;  // "Q4_K_M"
  quant::DType base;      // the type of most matrices
};

// All of them, smallest first.
std::span<const FileTypeInfo> file_types();
const FileTypeInfo& info(FileType type);
// Case-insensitive; "Q3_K", "Q4_K" and "Q5_K" mean the mix _M. Empty for an unknown name.
std::optional<FileType> file_type_from_name(std::string_view name);

// The type that each of a model's tensors gets, in their order; the same that llama.cpp's quantizer chooses without an
// importance matrix (llama-quant.cpp of llama-cpp-python 0.3.36). Vectors, norms and whatever is no weight keep their
// type; rows that are no whole number of blocks make a type with smaller blocks necessary, or F16. Only names, shapes
// and types of the tensors are looked at. Metadata entries that are missing count as a plain model's.
std::vector<quant::DType> choose_types(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors,
                                       FileType target);

}  // namespace patina::convert
