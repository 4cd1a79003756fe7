#pragma once

#include <cstdint>

#include "kernels/packed_layout.h"

// Codes and scales of packed k-blocks in registers, and dequantized panels; written once over the vector classes of a
// level (`Isa`, see scalar/isa_scalar.h). Everything is local to the including translation unit.
namespace patina::kernels {
namespace {

using quant::DType;

// w = scale * u' - min, where u' = u - zero for types with a zero point (their min is unused).
template <typename Isa, int kCount>
struct BlockScales {
  typename Isa::Floats scale[kCount];
  typename Isa::Floats min[kCount];
};

template <typename Isa, DType kType>
[[gnu::always_inline]] inline auto load_scales(const uint8_t* group, int block) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kCount = kFormat.halves() ? 2 : 1;
  BlockScales<Isa, kCount> out;
  if constexpr (kFormat.scales == ScaleForm::kScale) {
    out.scale[0] = Isa::load_f16(group + 32 * block);
  } else if constexpr (kFormat.scales == ScaleForm::kScaleOffset) {
    out.scale[0] = Isa::load_f16(group + 64 * block);
    out.min[0] = Isa::negate(Isa::load_f16(group + 64 * block + 32));
  } else if constexpr (kFormat.scales == ScaleForm::kSixBitWithMin) {
    out.scale[0] = Isa::mul(Isa::load_f16(group), Isa::to_floats(Isa::load_u8(group + 64 + 16 * block)));
    out.min[0] = Isa::mul(Isa::load_f16(group + 32), Isa::to_floats(Isa::load_u8(group + 192 + 16 * block)));
  } else {
    for (int h = 0; h < 2; ++h) {
      const int index = 2 * block + h;
      if constexpr (kFormat.scales == ScaleForm::kSigned) {
        out.scale[h] = Isa::mul(Isa::load_f16(group), Isa::to_floats(Isa::load_i8(group + 32 + 16 * index)));
      } else if constexpr (kFormat.scales == ScaleForm::kFourBitWithMin) {
        const auto packed = Isa::load_u8(group + 64 + 16 * index);
        out.scale[h] = Isa::mul(Isa::load_f16(group), Isa::to_floats(Isa::bits(packed, 0, 15)));
        out.min[h] = Isa::mul(Isa::load_f16(group + 32), Isa::to_floats(Isa::bits(packed, 4, 15)));
      } else {
        const auto low = Isa::bits(Isa::load_u8(group + 32 + 16 * (index % 8)), 4 * (index / 8), 15);
        const auto high = Isa::bits(Isa::load_u8(group + 160 + 16 * (index % 4)), 2 * (index / 4), 3);
        out.scale[h] = Isa::mul(Isa::load_f16(group), Isa::to_floats(Isa::six_bit(low, high)));
      }
    }
  }
  return out;
}

// Code vector kVector of a plane of kBits a code, placed at bit kShift of each byte.
template <typename Isa, int kBits, int kVector, int kShift>
[[gnu::always_inline]] inline typename Isa::Bytes plane_vector(const uint8_t* plane) {
  constexpr int kSource = kBits == 8 ? kVector : kBits == 4 ? kVector % 4 : kBits == 2 ? kVector / 4 : 0;
  constexpr int kFrom = kBits == 8 ? 0 : kBits == 4 ? kVector / 4 * 4 : kBits == 2 ? kVector % 4 * 2 : kVector;
  const auto source = Isa::load_bytes(plane + kSource * kVectorBytes);
  if constexpr (kBits == 8) {
    return source;
  } else {
    constexpr auto kMask = static_cast<uint8_t>(((1 << kBits) - 1) << kShift);
    if constexpr (kFrom > kShift) {
      return Isa::mask(Isa::template shift_right<kFrom - kShift>(source), kMask);
    } else {
      return Isa::mask(Isa::template shift_left<kShift - kFrom>(source), kMask);
    }
  }
}

template <typename Isa, DType kType, int kVector>
[[gnu::always_inline]] inline typename Isa::Bytes code_vector(const uint8_t* block) {
  constexpr PackedFormat kFormat = packed_format(kType);
  auto codes = plane_vector<Isa, kFormat.low_bits, kVector, 0>(block);
  if constexpr (kFormat.high_bits != 0) {
    constexpr int kLowBytes = kFormat.low_bytes();
    codes = Isa::merge(codes, plane_vector<Isa, kFormat.high_bits, kVector, kFormat.low_bits>(block + kLowBytes));
  }
  if constexpr (kFormat.table) codes = Isa::look_up(codes);
  return codes;
}

template <typename Isa, DType kType, int kVector = 0>
[[gnu::always_inline]] inline void load_codes_inline(const uint8_t* block, typename Isa::Bytes* codes) {
  codes[kVector] = code_vector<Isa, kType, kVector>(block);
  if constexpr (kVector + 1 < kCodeVectors) load_codes_inline<Isa, kType, kVector + 1>(block, codes);
}

template <typename Isa, DType kType>
[[gnu::noinline]] void load_codes_called(const uint8_t* block, typename Isa::Bytes* codes) {
  load_codes_inline<Isa, kType>(block, codes);
}

// Inlined for speed; plain loops build much faster when they are not.
template <typename Isa, DType kType>
[[gnu::always_inline]] inline void load_codes(const uint8_t* block, typename Isa::Bytes (&codes)[kCodeVectors]) {
  if constexpr (Isa::kInlineCodes) {
    load_codes_inline<Isa, kType>(block, codes);
  } else {
    load_codes_called<Isa, kType>(block, codes);
  }
}

// Four columns (those of one code vector) to out[4][16].
template <typename Isa, DType kType, typename Scales>
[[gnu::always_inline]] inline void store_columns(typename Isa::Bytes codes, const Scales& scales, int half,
                                                 float* out) {
  constexpr int kZeroLog2 = packed_format(kType).zero_log2;
  const auto column = [&](typename Isa::Ints code, float* to) {
    if constexpr (kZeroLog2 == kNoZero) {
      Isa::store(to, Isa::sub(Isa::mul(Isa::to_floats(code), scales.scale[half]), scales.min[half]));
    } else {
      Isa::store(to, Isa::mul(Isa::to_floats(Isa::subtract(code, 1 << kZeroLog2)), scales.scale[half]));
    }
  };
  column(Isa::template byte<0>(codes), out);
  column(Isa::template byte<1>(codes), out + kPanelRows);
  column(Isa::template byte<2>(codes), out + 2 * kPanelRows);
  column(Isa::template byte<3>(codes), out + 3 * kPanelRows);
}

// Columns [k_begin, k_end) of a quantized panel to out[k][16]; multiples of 32.
template <typename Isa, DType kType>
void unpack_quantized(const uint8_t* panel, int64_t k_begin, int64_t k_end, float* out) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kGroupBytes = kFormat.group_bytes();
  constexpr int kBlockBytes = kFormat.block_bytes();
  constexpr bool kHalves = kFormat.halves();
  for (int64_t b = k_begin / kBlockColumns; b < k_end / kBlockColumns; ++b) {
    const uint8_t* group = panel + b / kFormat.group_blocks * kGroupBytes;
    const int block = static_cast<int>(b % kFormat.group_blocks);
    const auto scales = load_scales<Isa, kType>(group, block);
    typename Isa::Bytes codes[kCodeVectors];
    load_codes<Isa, kType>(group + kFormat.scale_bytes + block * kBlockBytes, codes);
    for (int i = 0; i < kCodeVectors; ++i) {
      store_columns<Isa, kType>(codes[i], scales, kHalves ? i / 4 : 0, out);
      out += 4 * kPanelRows;
    }
  }
}

// The same for a float type, any columns.
template <typename Isa, DType kType>
void unpack_floats(const uint8_t* panel, int64_t k_begin, int64_t k_end, float* out) {
  constexpr int kColumnBytes = kPanelRows * float_bytes(kType);
  for (int64_t k = k_begin; k < k_end; ++k) {
    const uint8_t* column = panel + k * kColumnBytes;
    if constexpr (kType == DType::kF32) {
      Isa::store(out, Isa::load(reinterpret_cast<const float*>(column)));
    } else if constexpr (kType == DType::kF16) {
      Isa::store(out, Isa::load_f16(column));
    } else {
      Isa::store(out, Isa::load_bf16(column));
    }
    out += kPanelRows;
  }
}

template <typename Isa, DType kType>
void unpack_columns(const uint8_t* panel, int64_t k_begin, int64_t k_end, float* out) {
  if constexpr (kType == DType::kF32 || kType == DType::kF16 || kType == DType::kBF16) {
    unpack_floats<Isa, kType>(panel, k_begin, k_end, out);
  } else {
    unpack_quantized<Isa, kType>(panel, k_begin, k_end, out);
  }
}

// Calls f.template operator()<kType>() for a quantized type.
template <typename F>
[[gnu::always_inline]] inline void visit_quantized(DType type, const F& f) {
  switch (type) {
    case DType::kQ4_0:
      return f.template operator()<DType::kQ4_0>();
    case DType::kQ4_1:
      return f.template operator()<DType::kQ4_1>();
    case DType::kQ5_0:
      return f.template operator()<DType::kQ5_0>();
    case DType::kQ5_1:
      return f.template operator()<DType::kQ5_1>();
    case DType::kQ8_0:
      return f.template operator()<DType::kQ8_0>();
    case DType::kIQ4_NL:
      return f.template operator()<DType::kIQ4_NL>();
    case DType::kQ2_K:
      return f.template operator()<DType::kQ2_K>();
    case DType::kQ3_K:
      return f.template operator()<DType::kQ3_K>();
    case DType::kQ4_K:
      return f.template operator()<DType::kQ4_K>();
    case DType::kQ5_K:
      return f.template operator()<DType::kQ5_K>();
    case DType::kQ6_K:
      return f.template operator()<DType::kQ6_K>();
    default:
      return;
  }
}

template <typename F>
[[gnu::always_inline]] inline void visit_any(DType type, const F& f) {
  switch (type) {
    case DType::kF32:
      return f.template operator()<DType::kF32>();
    case DType::kF16:
      return f.template operator()<DType::kF16>();
    case DType::kBF16:
      return f.template operator()<DType::kBF16>();
    default:
      return visit_quantized(type, f);
  }
}

}  // namespace
}  // namespace patina::kernels
