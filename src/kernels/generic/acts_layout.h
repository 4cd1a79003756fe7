#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/matmul.h"
#include "kernels/packed_layout.h"

// Quantized activations: groups of kActGroup rows (tokens), the last one of T <= kActGroup rows. A group is a run of
// blocks, one for each 32 columns, with one scale (S = 1) or one for either half (S = 2):
//
//   int8   q[8][T][4]       q[i][t][b] is row t, column 4 i + b, so that one broadcast of 4 bytes meets one code vector
//   f32    d[S][T]          x = d * q
//   f32    offset[T]        -d * (sum of the 32 q)                              where S = 1
//   f32    offset[2][T]     the same of columns 0..15 and 16..31                where S = 2 or no columns go in pairs
//
// and where integer sums begin with what zero points take off (Isa::kIntegerStarts, see dot_block.h)
//
//   i32    start[T]         B - 128 * (sum of the 32 q), B = kIntegerBaseBits   where S = 1
//   i32    start[2][T]      the same of columns 0..15 and 16..31, the latter    where S = 2 or no columns go in pairs
//                           without B where S = 1
//
// or where those of pairs in 16 bits do (Isa::kPairStarts)
//
//   i16    pair_start[2][T][2]  -16 * (sum of those q of columns 0..15 and 16..31 where c % 4 < 2, and of the others)
//
// and where columns are multiplied in pairs (Isa::kPairsColumns, see paired_block.h)
//
//   i32    pairs[2][T]      -(sum of q[c + 16] (q[c] + 128) for c < 16);        where S = 1
//                           the same + (128 - most) * (sum of the 32 q)
//                           -(sum of q[c + 8] (q[c] + 128) for c < 8);          where S = 2
//                           the same of columns 16..31
//
// Sums are negative because that is how zero points and mins enter the products.
namespace patina::kernels {

// What stands in pair_start is for this zero point.
constexpr int kPairStartZero = 16;

// Whether the level multiplies the type's columns in pairs.
template <typename Isa>
constexpr bool pairs_columns(quant::DType type) {
  return Isa::kPairsColumns && packed_format(type).code_bits() <= 6;
}

// Where columns are multiplied in pairs, sums of a q and a code, most of which have half their range taken off, must be
// bytes. For codes of 6 bits that leaves q few steps, which scales of their own for the halves make up for; as types of
// 6, 3 and 2 bits have two scales anyway, they cost nothing.
template <typename Isa>
constexpr ActsForm acts_form(quant::DType type) {
  if (!pairs_columns<Isa>(type)) return {kBlockColumns, 127};
  const PackedFormat format = packed_format(type);
  return {kBlockColumns / format.parts(), 128 - std::max(4, 1 << (format.code_bits() - 1))};
}

// Where the fields of a block begin, in units of T bytes; 0 where there is none. Of offsets and starts the first is
// that of all columns, the second that of the halves.
struct ActsFields {
  int scale;
  int offset[2];
  int start[2];
  int pair_start;
  int pairs;
  int bytes;  // of all
};

// `scales`: of a block.
template <typename Isa>
constexpr ActsFields acts_fields(int scales) {
  static_assert(Isa::kIntegerStarts ? !Isa::kPairStarts : !Isa::kPairsColumns);
  const bool halves = scales == 2 || !Isa::kPairsColumns;
  ActsFields out = {};
  out.bytes = kBlockColumns;
  const auto add = [&](int& field, int numbers) {
    field = out.bytes;
    out.bytes += 4 * numbers;
  };
  add(out.scale, scales);
  if (scales == 1) add(out.offset[0], 1);
  if (halves) add(out.offset[1], 2);
  if (Isa::kIntegerStarts && scales == 1) add(out.start[0], 1);
  if (Isa::kIntegerStarts && halves) add(out.start[1], 2);
  if (Isa::kPairStarts) add(out.pair_start, 2);
  if (Isa::kPairsColumns) add(out.pairs, 2);
  return out;
}

// Scales of a block of activations for weights of the type.
template <typename Isa>
constexpr int acts_scales(quant::DType type) {
  return kBlockColumns / acts_form<Isa>(type).columns;
}

// Bytes of one row in such a block.
template <typename Isa, quant::DType kType>
constexpr int64_t kActBytes = acts_fields<Isa>(acts_scales<Isa>(kType)).bytes;

}  // namespace patina::kernels
