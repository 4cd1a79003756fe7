#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/dtype.h"

// The quantized blocks as they lie in a file, byte by byte (source: ggml's file format; numbers are little-endian).
// Every block stores unsigned integer codes u, one an element, and what turns a group of them into weights:
//   symmetric types   w = scale * (u - kZero)
//   affine types      w = scale * u - min
// Codes wider than four bits are cut into planes of bits. All planes share one pattern, "B-bit fields, stride S": of
// each S bytes, the lowest B bits hold S consecutive elements, the next B bits the following S elements, and so on:
//
//                      byte 0            byte 1         ...  byte S-1
//   bits 0..B-1        element 0         element 1           element S-1
//   bits B..2B-1       element S         element S+1         element 2S-1        the next S bytes continue after these.
//
// The structs hold no pointers and have alignment 2 at most; read them from a file with std::memcpy or through a
// pointer of even address.
namespace patina::quant {

static_assert(std::endian::native == std::endian::little, "the blocks are read as they lie in the file");

inline constexpr int kSmallBlock = 32;
inline constexpr int kSuperBlock = 256;
inline constexpr int kAffine = -1;  // kZero of the affine types

// bytes  0..1   d    f16
//        2..17  qs   4-bit fields, stride 16:  byte 2+i = u[i] | u[i+16] << 4
// w = d * (u - 8)
struct BlockQ4_0 {
  static constexpr DType kType = DType::kQ4_0;
  static constexpr int kElements = kSmallBlock, kGroup = 32, kZero = 8, kMaxCode = 15;
  f16 d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

// bytes  0..1   d    f16
//        2..3   m    f16, the smallest weight: min = -m
//        4..19  qs   4-bit fields, stride 16
// w = d * u + m
struct BlockQ4_1 {
  static constexpr DType kType = DType::kQ4_1;
  static constexpr int kElements = kSmallBlock, kGroup = 32, kZero = kAffine, kMaxCode = 15;
  f16 d;
  f16 m;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

// bytes  0..1   d    f16
//        2..5   qh   bit 4 of the codes, 1-bit fields, stride 1: a 32-bit number whose bit i belongs to element i
//        6..21  qs   bits 0..3, 4-bit fields, stride 16
// w = d * (u - 16)
struct BlockQ5_0 {
  static constexpr DType kType = DType::kQ5_0;
  static constexpr int kElements = kSmallBlock, kGroup = 32, kZero = 16, kMaxCode = 31;
  f16 d;
  uint8_t qh[4];
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

// bytes  0..1   d    f16
//        2..3   m    f16, the smallest weight: min = -m
//        4..7   qh   bit 4 of the codes, as in Q5_0
//        8..23  qs   bits 0..3, 4-bit fields, stride 16
// w = d * u + m
struct BlockQ5_1 {
  static constexpr DType kType = DType::kQ5_1;
  static constexpr int kElements = kSmallBlock, kGroup = 32, kZero = kAffine, kMaxCode = 31;
  f16 d;
  f16 m;
  uint8_t qh[4];
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

// bytes  0..1   d    f16
//        2..33  qs   signed bytes, q = u - 128
// w = d * q
struct BlockQ8_0 {
  static constexpr DType kType = DType::kQ8_0;
  static constexpr int kElements = kSmallBlock, kGroup = 32, kZero = 128, kMaxCode = 255;
  f16 d;
  int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

// bytes  0..1   d    f16
//        2..17  qs   4-bit fields, stride 16, each an index into kIQ4NLValues
// w = d * kIQ4NLValues[index];  here u = kIQ4NLValues[index] + 128
struct BlockIQ4_NL {
  static constexpr DType kType = DType::kIQ4_NL;
  static constexpr int kElements = kSmallBlock, kGroup = 32, kZero = 128, kMaxCode = 241;
  f16 d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18);

inline constexpr std::array<int8_t, 16> kIQ4NLValues = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                        1,    13,   25,  38,  53,  69,  89,  113};

// 256 elements in 16 groups of 16.
// bytes  0..15  scales   byte g = scale of group g | min of group g << 4
//       16..79  qs       2-bit fields, stride 32
//       80..81  d        f16, unit of the scales
//       82..83  dmin     f16, unit of the mins
// w = (d * scale) * u - (dmin * min)
struct BlockQ2_K {
  static constexpr DType kType = DType::kQ2_K;
  static constexpr int kElements = kSuperBlock, kGroup = 16, kZero = kAffine, kMaxCode = 3;
  uint8_t scales[16];
  uint8_t qs[64];
  f16 d;
  f16 dmin;
};
static_assert(sizeof(BlockQ2_K) == 84);

// 256 elements in 16 groups of 16.
// bytes  0..31    hmask    bit 2 of the codes, 1-bit fields, stride 32
//       32..95    qs       bits 0..1, 2-bit fields, stride 32
//       96..107   scales   16 six-bit numbers t: bytes 96..103 their bits 0..3 (4-bit fields, stride 8), bytes 104..107
//                          their bits 4..5 (2-bit fields, stride 4)
//      108..109   d        f16
// w = (d * (t - 32)) * (u - 4)
struct BlockQ3_K {
  static constexpr DType kType = DType::kQ3_K;
  static constexpr int kElements = kSuperBlock, kGroup = 16, kZero = 4, kMaxCode = 7;
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];
  f16 d;
};
static_assert(sizeof(BlockQ3_K) == 110);

// 256 elements in 8 groups of 32.
// bytes  0..1     d        f16, unit of the scales
//        2..3     dmin     f16, unit of the mins
//        4..15    scales   8 six-bit scales s and 8 six-bit mins t, for i in 0..3:
//                          byte 4+i  = s[i]      | (s[i+4] >> 4) << 6
//                          byte 8+i  = t[i]      | (t[i+4] >> 4) << 6
//                          byte 12+i = s[i+4]&15 | (t[i+4] & 15) << 4
//       16..143   qs       4-bit fields, stride 32
// w = (d * s) * u - (dmin * t)
struct BlockQ4_K {
  static constexpr DType kType = DType::kQ4_K;
  static constexpr int kElements = kSuperBlock, kGroup = 32, kZero = kAffine, kMaxCode = 15;
  f16 d;
  f16 dmin;
  uint8_t scales[12];
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ4_K) == 144);

// 256 elements in 8 groups of 32.
// bytes  0..1     d        f16, unit of the scales
//        2..3     dmin     f16, unit of the mins
//        4..15    scales   as in Q4_K
//       16..47    qh       bit 4 of the codes, 1-bit fields, stride 32
//       48..175   qs       bits 0..3, 4-bit fields, stride 32
// w = (d * s) * u - (dmin * t)
struct BlockQ5_K {
  static constexpr DType kType = DType::kQ5_K;
  static constexpr int kElements = kSuperBlock, kGroup = 32, kZero = kAffine, kMaxCode = 31;
  f16 d;
  f16 dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

// 256 elements in 16 groups of 16.
// bytes  0..127   ql       bits 0..3 of the codes, 4-bit fields, stride 64
//      128..191   qh       bits 4..5, 2-bit fields, stride 32
//      192..207   scales   signed bytes
//      208..209   d        f16
// w = (d * scale) * (u - 32)
struct BlockQ6_K {
  static constexpr DType kType = DType::kQ6_K;
  static constexpr int kElements = kSuperBlock, kGroup = 16, kZero = 32, kMaxCode = 63;
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  f16 d;
};
static_assert(sizeof(BlockQ6_K) == 210);

}  // namespace patina::quant
