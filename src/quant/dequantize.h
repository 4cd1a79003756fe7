#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quant/dtype.h"

// The reference meaning of every tensor type: stored bytes to f32, bit for bit as the `gguf` Python package does it
// (for finite scales). All functions are pure and safe to call from several threads.
namespace patina::quant {

// `out.size()` elements. kInvalidArgument if that is no multiple of the type's block or `blocks` is not exactly as
// long.
void dequantize(DType type, std::span<const std::byte> blocks, std::span<float> out);

// The same without the checks: `elements` is a multiple of the block size, `blocks` holds row_bytes(type, elements)
// bytes at any alignment.
void dequantize_row(DType type, const std::byte* blocks, float* out, int64_t elements);

// How the codes of a type make weights: w = scale * u - min, with u in 0..max_code and one scale and min for each
// `group` consecutive elements. Where the zero point is constant, `zero` is that code (min = scale * zero), else
// kAffine:
//
//   type     group  max_code  zero          type     group  max_code  zero
//   Q4_0     32     15        8             Q2_K     16     3         kAffine
//   Q4_1     32     15        kAffine       Q3_K     16     7         4
//   Q5_0     32     31        16            Q4_K     32     15        kAffine
//   Q5_1     32     31        kAffine       Q5_K     32     31        kAffine
//   Q8_0     32     255       128           Q6_K     16     63        32
//   IQ4_NL   32     241       128 (a code is the table's value + 128)
struct GroupCodes {
  int group;
  int max_code;
  int zero;
};

// kInvalidArgument for F32, F16, BF16.
GroupCodes group_codes(DType type);

// Takes a row segment of `elements` elements (a multiple of the block size) apart: `codes` gets `elements` codes,
// `scales` and `mins` elements / group numbers each. scale*u - min equals dequantize_row to f32 rounding, and bit for
// bit where zero is kAffine; scale*(u - zero) does so for the other types. kInvalidArgument for F32, F16, BF16.
void decode_codes(DType type, const std::byte* blocks, int64_t elements, uint8_t* codes, float* scales, float* mins);

}  // namespace patina::quant
