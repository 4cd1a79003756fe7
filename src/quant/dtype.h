#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace patina::quant {

// Tensor element types. The numbers are those of the GGUF file format (ggml's `ggml_type`, ggml docs/gguf.md).
enum class DType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kBF16 = 30,
};

// How a type stores numbers: `block_elements` consecutive elements of a row share one block of `block_bytes` bytes.
struct DTypeInfo {
  std::string_view name;  // as in llama.cpp's file names, e.g. "Q4_K"
  int64_t block_elements;
  int64_t block_bytes;
};

// Empty for a number that is no supported type.
std::optional<DType> dtype_from_id(uint32_t id);
// Case-insensitive; empty for an unknown name.
std::optional<DType> dtype_from_name(std::string_view name);
const DTypeInfo& info(DType type);

inline std::string_view name(DType type) { return info(type).name; }
inline bool is_float(DType type) { return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16; }
// Bytes of one row of `elements` numbers. `elements` must be a multiple of the block size.
inline int64_t row_bytes(DType type, int64_t elements) {
  const DTypeInfo& t = info(type);
  return elements / t.block_elements * t.block_bytes;
}

}  // namespace patina::quant
