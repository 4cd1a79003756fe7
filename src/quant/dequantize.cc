#include "quant/dequantize.h"

#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "quant/codec.h"

namespace patina::quant {
namespace {

template <typename Half>
void widen(const std::byte* in, float* out, int64_t elements) {
  for (int64_t i = 0; i < elements; ++i) {
    Half value;
    std::memcpy(&value, in + i * static_cast<int64_t>(sizeof(Half)), sizeof(Half));
    out[i] = to_f32(value);
  }
}

template <typename Block>
void dequantize_block(const Block& block, float* out) {
  constexpr int kGroups = Block::kElements / Block::kGroup;
  uint8_t codes[Block::kElements];
  float scales[kGroups];
  float mins[kGroups];
  unpack_codes(block, codes);
  unpack_scales(block, scales, mins);
  for (int g = 0; g < kGroups; ++g) {
    for (int i = g * Block::kGroup; i < (g + 1) * Block::kGroup; ++i) {
      if constexpr (Block::kZero == kAffine) {
        out[i] = scales[g] * static_cast<float>(codes[i]) - mins[g];
      } else {
        out[i] = scales[g] * static_cast<float>(codes[i] - Block::kZero);
      }
    }
  }
}

template <typename Block>
void dequantize_blocks(const std::byte* blocks, float* out, int64_t elements) {
  for (int64_t b = 0; b < elements / Block::kElements; ++b) {
    dequantize_block(load_block<Block>(blocks, b), out + b * Block::kElements);
  }
}

template <typename Block>
void decode_blocks(const std::byte* blocks, int64_t elements, uint8_t* codes, float* scales, float* mins) {
  constexpr int kGroups = Block::kElements / Block::kGroup;
  for (int64_t b = 0; b < elements / Block::kElements; ++b) {
    const Block block = load_block<Block>(blocks, b);
    unpack_codes(block, codes + b * Block::kElements);
    unpack_scales(block, scales + b * kGroups, mins + b * kGroups);
  }
}

}  // namespace

void dequantize(DType type, std::span<const std::byte> blocks, std::span<float> out) {
  const auto elements = static_cast<int64_t>(out.size());
  if (elements % info(type).block_elements != 0) {
    fail(ErrorKind::kInvalidArgument, "{} elements are no whole number of {} blocks of {}", elements, name(type),
         info(type).block_elements);
  }
  if (static_cast<int64_t>(blocks.size()) != row_bytes(type, elements)) {
    fail(ErrorKind::kInvalidArgument, "{} {} elements take {} bytes, but {} were given", elements, name(type),
         row_bytes(type, elements), blocks.size());
  }
  dequantize_row(type, blocks.data(), out.data(), elements);
}

void dequantize_row(DType type, const std::byte* blocks, float* out, int64_t elements) {
  if (elements == 0) return;
  switch (type) {
    case DType::kF32:
      std::memcpy(out, blocks, static_cast<size_t>(elements) * sizeof(float));
      return;
    case DType::kF16:
      widen<f16>(blocks, out, elements);
      return;
    case DType::kBF16:
      widen<bf16>(blocks, out, elements);
      return;
    default:
      break;
  }
  visit_block(type, [&](auto block) { dequantize_blocks<typename decltype(block)::type>(blocks, out, elements); });
}

GroupCodes group_codes(DType type) {
  return visit_block(type, [](auto block) {
    using Block = typename decltype(block)::type;
    return GroupCodes{Block::kGroup, Block::kMaxCode, Block::kZero};
  });
}

void decode_codes(DType type, const std::byte* blocks, int64_t elements, uint8_t* codes, float* scales, float* mins) {
  visit_block(
      type, [&](auto block) { decode_blocks<typename decltype(block)::type>(blocks, elements, codes, scales, mins); });
}

}  // namespace patina::quant
