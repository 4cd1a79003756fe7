#pragma once

#include <cstdint>

#include "kernels/matmul.h"
#include "quant/dtype.h"

// The packed form of a quantized matrix, byte by byte; the same for every instruction set.
//
// A panel holds kPanelRows = 16 rows. Its columns are cut into k-blocks of 32, and its bytes into groups of a few
// k-blocks (2 for the types with blocks of 32, 8 for those with superblocks of 256), one after the other:
//
//   group:   | scales, padded to 64 | k-block 0 | k-block 1 | ...         a last group may have unused k-blocks (zeros)
//   k-block: | low plane | high plane |
//
// Planes are runs of 64-byte vectors whose 32-bit lane r belongs to row r. A k-block's 32 columns are 8 "code vectors":
// byte b of lane r of code vector i is the code of row r, column 4 i + b. Planes store several code vectors in one:
//
//   8-bit plane   vector i         = code vector i                                                       (8 vectors)
//   4-bit plane   vector j = 0..3  = code vector j | code vector j+4 << 4                                (4 vectors)
//   2-bit plane   vector j = 0..1  = code vectors 4j, 4j+1, 4j+2, 4j+3 at bits 0, 2, 4, 6 of each byte   (2 vectors)
//   1-bit plane   code vector i at bit i of each byte                                                    (1 vector)
//
// A code is low | high << low_bits. It means w = scale * (u - zero), or scale * u + offset where zero is kNoZero;
// IQ4_NL's codes are indices of its table. Scales of a group ([16] is one element a row, 16-bit floats are f16):
//
//   kScale            per k-block: f16 d[16]                                     scale = d
//   kScaleOffset      per k-block: f16 d[16], f16 m[16]                          scale = d, offset = m
//   kSixBitWithMin    f16 d[16], f16 dmin[16]; per k-block u8 s[16];             scale = d s, offset = -(dmin t)
//                     then per k-block u8 t[16]
//   kSigned           f16 d[16]; per 16 columns i8 s[16]                         scale = d s
//   kSixBit           f16 d[16]; u8 p[j][16], j < 8: bits 0..3 of t_j | those    scale = d (t - 32)
//                     of t_{j+8} << 4; u8 q[j][16], j < 4: bits 4..5 of t_j,
//                     t_{j+4}, t_{j+8}, t_{j+12} at bits 0, 2, 4, 6;
//                     t_g belongs to 16-column group g
//   kFourBitWithMin   f16 d[16], f16 dmin[16]; per 16 columns u8 s|t<<4 [16]     scale = d s, offset = -(dmin t)
//
// Float types: element [k][16 rows], no groups.
namespace patina::kernels {

constexpr int kBlockColumns = 32;  // columns of a k-block
constexpr int kVectorBytes = 64;   // one 32-bit lane a row
constexpr int kCodeVectors = 8;    // of a k-block
constexpr int kNoZero = -1;

enum class ScaleForm { kScale, kScaleOffset, kSixBitWithMin, kSigned, kSixBit, kFourBitWithMin };

struct PackedFormat {
  int low_bits;   // 8, 4 or 2
  int high_bits;  // 0, 1 or 2
  int zero_log2;  // zero point = 2^zero_log2, or kNoZero
  ScaleForm scales;
  bool table;        // codes are indices of IQ4_NL's table
  int group_blocks;  // k-blocks a group
  int scale_bytes;   // of a group, a multiple of 64

  constexpr bool halves() const {  // one scale for each 16 columns, else for each 32
    return scales == ScaleForm::kSigned || scales == ScaleForm::kSixBit || scales == ScaleForm::kFourBitWithMin;
  }
  constexpr int parts() const { return halves() ? 2 : 1; }  // scales of a k-block
  // Whether codes have few bits, and 32 columns one scale: the backward product takes such codes as bytes.
  constexpr bool small_codes() const { return !halves() && code_bits() <= 5; }
  constexpr int code_bits() const { return table ? 8 : low_bits + high_bits; }
  constexpr int low_bytes() const { return kVectorBytes * low_bits; }
  constexpr int block_bytes() const { return kVectorBytes * (low_bits + high_bits); }
  constexpr int group_bytes() const { return scale_bytes + group_blocks * block_bytes(); }
};

// Quantized types only.
constexpr PackedFormat packed_format(quant::DType type) {
  using quant::DType;
  switch (type) {
    case DType::kQ4_0:
      return {4, 0, 3, ScaleForm::kScale, false, 2, 64};
    case DType::kQ4_1:
      return {4, 0, kNoZero, ScaleForm::kScaleOffset, false, 2, 128};
    case DType::kQ5_0:
      return {4, 1, 4, ScaleForm::kScale, false, 2, 64};
    case DType::kQ5_1:
      return {4, 1, kNoZero, ScaleForm::kScaleOffset, false, 2, 128};
    case DType::kQ8_0:
      return {8, 0, 7, ScaleForm::kScale, false, 2, 64};
    case DType::kIQ4_NL:
      return {4, 0, 7, ScaleForm::kScale, true, 2, 64};
    case DType::kQ2_K:
      return {2, 0, kNoZero, ScaleForm::kFourBitWithMin, false, 8, 320};
    case DType::kQ3_K:
      return {2, 1, 2, ScaleForm::kSixBit, false, 8, 256};
    case DType::kQ4_K:
      return {4, 0, kNoZero, ScaleForm::kSixBitWithMin, false, 8, 320};
    case DType::kQ5_K:
      return {4, 1, kNoZero, ScaleForm::kSixBitWithMin, false, 8, 320};
    case DType::kQ6_K:
      return {4, 2, 5, ScaleForm::kSigned, false, 8, 320};
    default:  // float types have no codes
      return {8, 0, kNoZero, ScaleForm::kScale, false, 1, 64};
  }
}

// Bytes of one element of a float type.
constexpr int float_bytes(quant::DType type) { return type == quant::DType::kF32 ? 4 : 2; }

// IQ4_NL's table (ggml's kvalues_iq4nl) plus its zero point 128.
alignas(16) constexpr uint8_t kTableCodes[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                 129, 141, 153, 166, 181, 197, 217, 241};

// A packed matrix, panel by panel.
struct Panels {
  explicit Panels(const PackedView& w)
      : data(reinterpret_cast<const uint8_t*>(w.data)),
        stride(panel_bytes(w.type, w.cols)),
        rows(w.rows),
        cols(w.cols) {}

  const uint8_t* data;
  int64_t stride;
  int64_t rows;
  int64_t cols;

  const uint8_t* panel(int64_t p) const { return data + p * stride; }
  int64_t count() const { return panel_count(rows); }
  // How many of a panel's rows the matrix has.
  int lanes(int64_t p) const {
    const int64_t left = rows - p * kPanelRows;
    return left < kPanelRows ? static_cast<int>(left) : static_cast<int>(kPanelRows);
  }
};

}  // namespace patina::kernels
