#pragma once

#include <cstdint>

#include "kernels/packed_layout.h"

// Codes and scales of packed k-blocks in registers, and dequantized panels; written once over the vector classes of a
// level (`Isa`, see scalar/isa_scalar.h). Everything is local to the including translation unit.
namespace patina::kernels {
namespace {

using quant::DType;

// Where k-block number `index` of a group lies.
template <DType kType, typename Byte = const uint8_t>
struct BlockPlace {
  Byte* group;
  int index;

  // Of k-block number `block` of a panel.
  [[gnu::always_inline]] static BlockPlace of(Byte* panel, int64_t block) {
    constexpr PackedFormat kFormat = packed_format(kType);
    return {panel + block / kFormat.group_blocks * kFormat.group_bytes(),
            static_cast<int>(block % kFormat.group_blocks)};
  }
  // Of the same k-block in a panel so many bytes further on.
  [[gnu::always_inline]] BlockPlace further(int64_t bytes) const { return {group + bytes, index}; }

  [[gnu::always_inline]] Byte* codes() const {
    constexpr PackedFormat kFormat = packed_format(kType);
    return group + kFormat.scale_bytes + index * kFormat.block_bytes();
  }
};

// Where the factors below lie as a byte a row.
template <DType kType>
[[gnu::always_inline]] inline const uint8_t* factors_place(const BlockPlace<kType>& at, int part) {
  constexpr ScaleForm kForm = packed_format(kType).scales;
  if constexpr (kForm == ScaleForm::kSixBitWithMin) {
    return at.group + 64 + 16 * at.index;
  } else {
    static_assert(kForm == ScaleForm::kSigned);
    return at.group + 32 + 16 * (2 * at.index + part);
  }
}

// The scale, w = scale * u' - min with u' = u - zero for types with a zero point, is d * factor for the types whose
// scales are integers; `part` is the half of the block for types with a scale for each 16 columns, else 0.
template <typename Isa, DType kType>
[[gnu::always_inline]] inline typename Isa::Ints load_factor(const BlockPlace<kType>& at, int part) {
  constexpr ScaleForm kForm = packed_format(kType).scales;
  const int index = 2 * at.index + part;
  if constexpr (kForm == ScaleForm::kSixBitWithMin) {
    return Isa::load_u8(factors_place(at, part));
  } else if constexpr (kForm == ScaleForm::kSigned) {
    return Isa::load_i8(factors_place(at, part));
  } else if constexpr (kForm == ScaleForm::kFourBitWithMin) {
    return Isa::bits(Isa::load_u8(at.group + 64 + 16 * index), 0, 15);
  } else {
    static_assert(kForm == ScaleForm::kSixBit);
    const auto low = Isa::bits(Isa::load_u8(at.group + 32 + 16 * (index % 8)), 4 * (index / 8), 15);
    const auto high = Isa::bits(Isa::load_u8(at.group + 160 + 16 * (index % 4)), 2 * (index / 4), 3);
    return Isa::six_bit(low, high);
  }
}

template <typename Isa, DType kType>
[[gnu::always_inline]] inline typename Isa::Floats load_scale(const BlockPlace<kType>& at, int part) {
  constexpr ScaleForm kForm = packed_format(kType).scales;
  if constexpr (kForm == ScaleForm::kScale) {
    return Isa::load_f16(at.group + 32 * at.index);
  } else if constexpr (kForm == ScaleForm::kScaleOffset) {
    return Isa::load_f16(at.group + 64 * at.index);
  } else {
    return Isa::mul(Isa::load_f16(at.group), Isa::to_floats(load_factor<Isa>(at, part)));
  }
}

// Types without a zero point only.
template <typename Isa, DType kType>
[[gnu::always_inline]] inline typename Isa::Floats load_min(const BlockPlace<kType>& at, int part) {
  constexpr ScaleForm kForm = packed_format(kType).scales;
  if constexpr (kForm == ScaleForm::kScaleOffset) {
    return Isa::negate(Isa::load_f16(at.group + 64 * at.index + 32));
  } else if constexpr (kForm == ScaleForm::kSixBitWithMin) {
    return Isa::mul(Isa::load_f16(at.group + 32), Isa::to_floats(Isa::load_u8(at.group + 192 + 16 * at.index)));
  } else {
    static_assert(kForm == ScaleForm::kFourBitWithMin);
    const auto factors = Isa::bits(Isa::load_u8(at.group + 64 + 16 * (2 * at.index + part)), 4, 15);
    return Isa::mul(Isa::load_f16(at.group + 32), Isa::to_floats(factors));
  }
}

// For every type what w = scale * u - offset takes off, where `scale` is load_scale's.
template <typename Isa, DType kType>
[[gnu::always_inline]] inline typename Isa::Floats load_offset(const BlockPlace<kType>& at, int part,
                                                               typename Isa::Floats scale) {
  constexpr int kZeroLog2 = packed_format(kType).zero_log2;
  if constexpr (kZeroLog2 == kNoZero) {
    return load_min<Isa>(at, part);
  } else {
    constexpr float kZero = 1 << kZeroLog2;
    return Isa::mul(scale, Isa::broadcast(&kZero));
  }
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

template <typename Isa, DType kType, int kShift, int kVector>
[[gnu::always_inline]] inline typename Isa::Bytes code_vector(const uint8_t* block) {
  constexpr PackedFormat kFormat = packed_format(kType);
  static_assert(!kFormat.table || kShift == 0);
  auto codes = plane_vector<Isa, kFormat.low_bits, kVector, kShift>(block);
  if constexpr (kFormat.high_bits != 0) {
    constexpr int kHighShift = kShift + kFormat.low_bits;
    codes = Isa::merge(codes, plane_vector<Isa, kFormat.high_bits, kVector, kHighShift>(block + kFormat.low_bytes()));
  }
  if constexpr (kFormat.table) codes = Isa::look_up(codes);
  return codes;
}

template <typename Isa, DType kType, int kShift, int kVector = 0>
[[gnu::always_inline]] inline void load_codes_inline(const uint8_t* block, typename Isa::Bytes* codes) {
  codes[kVector] = code_vector<Isa, kType, kShift, kVector>(block);
  if constexpr (kVector + 1 < kCodeVectors) load_codes_inline<Isa, kType, kShift, kVector + 1>(block, codes);
}

template <typename Isa, DType kType, int kShift>
[[gnu::noinline]] void load_codes_called(const uint8_t* block, typename Isa::Bytes* codes) {
  load_codes_inline<Isa, kType, kShift>(block, codes);
}

// Codes times 2^kShift. Inlined for speed; plain loops build much faster when they are not.
template <typename Isa, int kShift = 0, DType kType>
[[gnu::always_inline]] inline void load_codes(const BlockPlace<kType>& at, typename Isa::Bytes (&codes)[kCodeVectors]) {
  if constexpr (Isa::kInlineCodes) {
    load_codes_inline<Isa, kType, kShift>(at.codes(), codes);
  } else {
    load_codes_called<Isa, kType, kShift>(at.codes(), codes);
  }
}

// Four columns (those of one code vector) to out[4][16].
template <typename Isa, DType kType>
[[gnu::always_inline]] inline void store_columns(typename Isa::Bytes codes, typename Isa::Floats scale,
                                                 typename Isa::Floats min, float* out) {
  constexpr int kZeroLog2 = packed_format(kType).zero_log2;
  const auto column = [&](typename Isa::Ints code, float* to) {
    if constexpr (kZeroLog2 == kNoZero) {
      Isa::store(to, Isa::sub(Isa::mul(Isa::to_floats(code), scale), min));
    } else {
      Isa::store(to, Isa::mul(Isa::to_floats(Isa::subtract(code, 1 << kZeroLog2)), scale));
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
  constexpr int kParts = kFormat.parts();
  for (int64_t b = k_begin / kBlockColumns; b < k_end / kBlockColumns; ++b) {
    const auto at = BlockPlace<kType>::of(panel, b);
    typename Isa::Bytes codes[kCodeVectors];
    load_codes<Isa>(at, codes);
    for (int part = 0; part < kParts; ++part) {
      const auto scale = load_scale<Isa>(at, part);
      auto min = Isa::zero();
      if constexpr (kFormat.zero_log2 == kNoZero) min = load_min<Isa>(at, part);
      for (int i = 0; i < kCodeVectors / kParts; ++i) {
        store_columns<Isa, kType>(codes[part * kCodeVectors / kParts + i], scale, min, out);
        out += 4 * kPanelRows;
      }
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
