#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/error.h"
#include "base/half.h"
#include "quant/blocks.h"

// Packing and unpacking of single blocks, for every block type by overload:
//   void unpack_codes(const Block&, uint8_t* codes);          kElements codes u, in element order
//   void pack_codes(Block&, const uint8_t* codes);            the inverse
//   void unpack_scales(const Block&, float* scales, float* mins);   one of each per kGroup elements; w = scale*u - min
// IQ4_NL's codes must be table values + 128. All functions are pure. They are always inlined, so that a translation
// unit with its own instruction set never shares a copy with the baseline.
namespace patina::quant {

// Fields of `Bits` bits with stride `Stride` (see quant/blocks.h). `Elements` codes; the first form sets, the second
// adds the field at bit `Shift` of codes already there.
template <int Bits, int Stride, int Elements>
[[gnu::always_inline]] inline void unpack_fields(const uint8_t* bytes, uint8_t* codes) {
  constexpr int kFields = 8 / Bits;
  for (int chunk = 0; chunk < Elements / (kFields * Stride); ++chunk) {
    for (int field = 0; field < kFields; ++field) {
      for (int i = 0; i < Stride; ++i) {
        codes[(chunk * kFields + field) * Stride + i] =
            static_cast<uint8_t>((bytes[chunk * Stride + i] >> (Bits * field)) & ((1 << Bits) - 1));
      }
    }
  }
}

template <int Bits, int Stride, int Elements, int Shift>
[[gnu::always_inline]] inline void unpack_high_fields(const uint8_t* bytes, uint8_t* codes) {
  constexpr int kFields = 8 / Bits;
  for (int chunk = 0; chunk < Elements / (kFields * Stride); ++chunk) {
    for (int field = 0; field < kFields; ++field) {
      for (int i = 0; i < Stride; ++i) {
        const int value = (bytes[chunk * Stride + i] >> (Bits * field)) & ((1 << Bits) - 1);
        codes[(chunk * kFields + field) * Stride + i] |= static_cast<uint8_t>(value << Shift);
      }
    }
  }
}

// Takes bits Shift .. Shift+Bits-1 of each code.
template <int Bits, int Stride, int Elements, int Shift = 0>
[[gnu::always_inline]] inline void pack_fields(uint8_t* bytes, const uint8_t* codes) {
  constexpr int kFields = 8 / Bits;
  for (int chunk = 0; chunk < Elements / (kFields * Stride); ++chunk) {
    for (int i = 0; i < Stride; ++i) {
      int byte = 0;
      for (int field = 0; field < kFields; ++field) {
        const int code = codes[(chunk * kFields + field) * Stride + i];
        byte |= ((code >> Shift) & ((1 << Bits) - 1)) << (Bits * field);
      }
      bytes[chunk * Stride + i] = static_cast<uint8_t>(byte);
    }
  }
}

// The 6-bit scales and mins of Q4_K and Q5_K, 0..63.
struct ScalesAndMins {
  std::array<uint8_t, 8> scales;
  std::array<uint8_t, 8> mins;
};

[[gnu::always_inline]] inline ScalesAndMins unpack_scales_and_mins(const uint8_t (&packed)[12]) {
  ScalesAndMins result{};
  for (size_t i = 0; i < 4; ++i) {
    result.scales[i] = packed[i] & 63;
    result.mins[i] = packed[i + 4] & 63;
    result.scales[i + 4] = static_cast<uint8_t>((packed[i + 8] & 15) | ((packed[i] >> 6) << 4));
    result.mins[i + 4] = static_cast<uint8_t>((packed[i + 8] >> 4) | ((packed[i + 4] >> 6) << 4));
  }
  return result;
}

[[gnu::always_inline]] inline void pack_scales_and_mins(const ScalesAndMins& values, uint8_t (&packed)[12]) {
  for (size_t i = 0; i < 4; ++i) {
    packed[i] = static_cast<uint8_t>(values.scales[i] | ((values.scales[i + 4] >> 4) << 6));
    packed[i + 4] = static_cast<uint8_t>(values.mins[i] | ((values.mins[i + 4] >> 4) << 6));
    packed[i + 8] = static_cast<uint8_t>((values.scales[i + 4] & 15) | ((values.mins[i + 4] & 15) << 4));
  }
}

// The 6-bit scales of Q3_K as stored, 0..63; the scale is that minus 32.
[[gnu::always_inline]] inline std::array<uint8_t, 16> unpack_q3_k_scales(const uint8_t (&packed)[12]) {
  std::array<uint8_t, 16> scales{};
  unpack_fields<4, 8, 16>(packed, scales.data());
  unpack_high_fields<2, 4, 16, 4>(packed + 8, scales.data());
  return scales;
}

[[gnu::always_inline]] inline void pack_q3_k_scales(const std::array<uint8_t, 16>& scales, uint8_t (&packed)[12]) {
  pack_fields<4, 8, 16>(packed, scales.data());
  pack_fields<2, 4, 16, 4>(packed + 8, scales.data());
}

// Index of the table value nearest to `value`, by the midpoints between neighbours.
[[gnu::always_inline]] inline int nearest_iq4_nl(float value) {
  int index = 0;
  for (size_t i = 0; i + 1 < kIQ4NLValues.size(); ++i) {
    index += value > 0.5F * static_cast<float>(kIQ4NLValues[i] + kIQ4NLValues[i + 1]) ? 1 : 0;
  }
  return index;
}

template <typename Block>
concept NibbleBlock = std::is_same_v<Block, BlockQ4_0> || std::is_same_v<Block, BlockQ4_1>;
template <typename Block>
concept FiveBitBlock = std::is_same_v<Block, BlockQ5_0> || std::is_same_v<Block, BlockQ5_1>;
template <typename Block>
concept ScaleMinBlock = std::is_same_v<Block, BlockQ4_K> || std::is_same_v<Block, BlockQ5_K>;

template <NibbleBlock Block>
[[gnu::always_inline]] inline void unpack_codes(const Block& block, uint8_t* codes) {
  unpack_fields<4, 16, 32>(block.qs, codes);
}
template <NibbleBlock Block>
[[gnu::always_inline]] inline void pack_codes(Block& block, const uint8_t* codes) {
  pack_fields<4, 16, 32>(block.qs, codes);
}

template <FiveBitBlock Block>
[[gnu::always_inline]] inline void unpack_codes(const Block& block, uint8_t* codes) {
  unpack_fields<4, 16, 32>(block.qs, codes);
  unpack_high_fields<1, 1, 32, 4>(block.qh, codes);
}
template <FiveBitBlock Block>
[[gnu::always_inline]] inline void pack_codes(Block& block, const uint8_t* codes) {
  pack_fields<4, 16, 32>(block.qs, codes);
  pack_fields<1, 1, 32, 4>(block.qh, codes);
}

[[gnu::always_inline]] inline void unpack_codes(const BlockQ8_0& block, uint8_t* codes) {
  for (int i = 0; i < kSmallBlock; ++i) codes[i] = static_cast<uint8_t>(block.qs[i] + 128);
}
[[gnu::always_inline]] inline void pack_codes(BlockQ8_0& block, const uint8_t* codes) {
  for (int i = 0; i < kSmallBlock; ++i) block.qs[i] = static_cast<int8_t>(codes[i] - 128);
}

[[gnu::always_inline]] inline void unpack_codes(const BlockIQ4_NL& block, uint8_t* codes) {
  unpack_fields<4, 16, 32>(block.qs, codes);
  for (int i = 0; i < kSmallBlock; ++i) codes[i] = static_cast<uint8_t>(kIQ4NLValues[codes[i]] + 128);
}
[[gnu::always_inline]] inline void pack_codes(BlockIQ4_NL& block, const uint8_t* codes) {
  uint8_t indices[kSmallBlock];
  for (int i = 0; i < kSmallBlock; ++i) {
    indices[i] = static_cast<uint8_t>(nearest_iq4_nl(static_cast<float>(codes[i] - 128)));
  }
  pack_fields<4, 16, 32>(block.qs, indices);
}

[[gnu::always_inline]] inline void unpack_codes(const BlockQ2_K& block, uint8_t* codes) {
  unpack_fields<2, 32, 256>(block.qs, codes);
}
[[gnu::always_inline]] inline void pack_codes(BlockQ2_K& block, const uint8_t* codes) {
  pack_fields<2, 32, 256>(block.qs, codes);
}

[[gnu::always_inline]] inline void unpack_codes(const BlockQ3_K& block, uint8_t* codes) {
  unpack_fields<2, 32, 256>(block.qs, codes);
  unpack_high_fields<1, 32, 256, 2>(block.hmask, codes);
}
[[gnu::always_inline]] inline void pack_codes(BlockQ3_K& block, const uint8_t* codes) {
  pack_fields<2, 32, 256>(block.qs, codes);
  pack_fields<1, 32, 256, 2>(block.hmask, codes);
}

template <ScaleMinBlock Block>
[[gnu::always_inline]] inline void unpack_codes(const Block& block, uint8_t* codes) {
  unpack_fields<4, 32, 256>(block.qs, codes);
  if constexpr (std::is_same_v<Block, BlockQ5_K>) unpack_high_fields<1, 32, 256, 4>(block.qh, codes);
}
template <ScaleMinBlock Block>
[[gnu::always_inline]] inline void pack_codes(Block& block, const uint8_t* codes) {
  pack_fields<4, 32, 256>(block.qs, codes);
  if constexpr (std::is_same_v<Block, BlockQ5_K>) pack_fields<1, 32, 256, 4>(block.qh, codes);
}

[[gnu::always_inline]] inline void unpack_codes(const BlockQ6_K& block, uint8_t* codes) {
  unpack_fields<4, 64, 256>(block.ql, codes);
  unpack_high_fields<2, 32, 256, 4>(block.qh, codes);
}
[[gnu::always_inline]] inline void pack_codes(BlockQ6_K& block, const uint8_t* codes) {
  pack_fields<4, 64, 256>(block.ql, codes);
  pack_fields<2, 32, 256, 4>(block.qh, codes);
}

// Scales of the 32-element types: one f16 and, for the affine ones, the smallest weight.
template <typename Block>
  requires(Block::kElements == kSmallBlock)
[[gnu::always_inline]] inline void unpack_scales(const Block& block, float* scales, float* mins) {
  scales[0] = to_f32(block.d);
  if constexpr (Block::kZero == kAffine) {
    mins[0] = -to_f32(block.m);
  } else {
    mins[0] = scales[0] * static_cast<float>(Block::kZero);
  }
}

[[gnu::always_inline]] inline void unpack_scales(const BlockQ2_K& block, float* scales, float* mins) {
  const float d = to_f32(block.d);
  const float dmin = to_f32(block.dmin);
  for (int g = 0; g < 16; ++g) {
    scales[g] = d * static_cast<float>(block.scales[g] & 15);
    mins[g] = dmin * static_cast<float>(block.scales[g] >> 4);
  }
}

[[gnu::always_inline]] inline void unpack_scales(const BlockQ3_K& block, float* scales, float* mins) {
  const float d = to_f32(block.d);
  const std::array<uint8_t, 16> stored = unpack_q3_k_scales(block.scales);
  for (size_t g = 0; g < 16; ++g) {
    scales[g] = d * static_cast<float>(stored[g] - 32);
    mins[g] = scales[g] * static_cast<float>(BlockQ3_K::kZero);
  }
}

template <ScaleMinBlock Block>
[[gnu::always_inline]] inline void unpack_scales(const Block& block, float* scales, float* mins) {
  const float d = to_f32(block.d);
  const float dmin = to_f32(block.dmin);
  const ScalesAndMins stored = unpack_scales_and_mins(block.scales);
  for (size_t g = 0; g < 8; ++g) {
    scales[g] = d * static_cast<float>(stored.scales[g]);
    mins[g] = dmin * static_cast<float>(stored.mins[g]);
  }
}

[[gnu::always_inline]] inline void unpack_scales(const BlockQ6_K& block, float* scales, float* mins) {
  const float d = to_f32(block.d);
  for (int g = 0; g < 16; ++g) {
    scales[g] = d * static_cast<float>(block.scales[g]);
    mins[g] = scales[g] * static_cast<float>(BlockQ6_K::kZero);
  }
}

template <typename Block>
[[gnu::always_inline]] inline Block load_block(const std::byte* blocks, int64_t index) {
  Block block;
  std::memcpy(&block, blocks + index * static_cast<int64_t>(sizeof(Block)), sizeof(Block));
  return block;
}

// Calls f(std::type_identity<Block>{}) with the block struct of a quantized type; a float type is a kInvalidArgument.
template <typename F>
decltype(auto) visit_block(DType type, F&& f) {
  switch (type) {
    case DType::kQ4_0:
      return f(std::type_identity<BlockQ4_0>{});
    case DType::kQ4_1:
      return f(std::type_identity<BlockQ4_1>{});
    case DType::kQ5_0:
      return f(std::type_identity<BlockQ5_0>{});
    case DType::kQ5_1:
      return f(std::type_identity<BlockQ5_1>{});
    case DType::kQ8_0:
      return f(std::type_identity<BlockQ8_0>{});
    case DType::kIQ4_NL:
      return f(std::type_identity<BlockIQ4_NL>{});
    case DType::kQ2_K:
      return f(std::type_identity<BlockQ2_K>{});
    case DType::kQ3_K:
      return f(std::type_identity<BlockQ3_K>{});
    case DType::kQ4_K:
      return f(std::type_identity<BlockQ4_K>{});
    case DType::kQ5_K:
      return f(std::type_identity<BlockQ5_K>{});
    case DType::kQ6_K:
      return f(std::type_identity<BlockQ6_K>{});
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      break;
  }
  fail(ErrorKind::kInvalidArgument, "{} is no block-quantized type", name(type));
}

}  // namespace patina::quant
