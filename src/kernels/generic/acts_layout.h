#pragma once

#include <bit>
#include <cstdint>

#include "kernels/matmul.h"
#include "kernels/packed_layout.h"

// Quantized activations: groups of kActGroup rows (tokens), the last one of T <= kActGroup rows. A group is a run of
// blocks, one for each 32 columns:
//
//   int8   q[8][T][4]       q[i][t][b] is row t, column 4 i + b, so that one broadcast of 4 bytes meets one code vector
//   f32    d[T]             x = d * q
//   f32    offset[T]        -d * (sum of the 32 q)
//   f32    half[2][T]       the same of columns 0..15 and 16..31
//
// and where integer sums begin with what zero points take off (Isa::kIntegerStarts, see dot_block.h)
//
//   i32    start[T]         kSumBits - 128 * (sum of the 32 q)
//   i32    half_start[2][T] the same of columns 0..15; without kSumBits that of columns 16..31
//
// or where those of pairs in 16 bits do (Isa::kPairStarts)
//
//   i16    pair_start[2][T][2]  -16 * (sum of those q of columns 0..15 and 16..31 where c % 4 < 2, and of the others)
//
// and where columns are multiplied in pairs (Isa::kPairsColumns, see paired_block.h)
//
//   i32    pairs[2][T]      -(sum of q[c + 16] (q[c] + 128) for c < 16); the same + kPairedZero * (sum of the 32 q)
//
// Sums are negative because that is how zero points and mins enter the products.
namespace patina::kernels {

constexpr int kActScale = 32;  // where the fields begin, in units of T bytes
constexpr int kActOffset = 36;
constexpr int kActHalfOffset = 40;
constexpr int kActStart = 48;
constexpr int kActHalfStart = 52;
constexpr int kActPairs = 60;
constexpr int kActPairStart = 48;
// What stands in pair_start is for this zero point (of sums of pairs; kPairedZero is that of columns in pairs).
constexpr int kPairStartZero = 16;

// Of one row in one block.
template <typename Isa>
constexpr int act_bytes() {
  static_assert(Isa::kIntegerStarts ? !Isa::kPairStarts : !Isa::kPairsColumns);
  return Isa::kPairsColumns ? 68 : Isa::kIntegerStarts ? 60 : Isa::kPairStarts ? 56 : 48;
}

// What integer sums begin with, to be floats (see dot_block.h).
constexpr float kSumBase = 12582912;
constexpr int32_t kSumBits = std::bit_cast<int32_t>(kSumBase);

// The zero point that products in pairs take off, and put back, where codes with mins have 5 bits.
constexpr int kPairedZero = 16;

// The largest q: where columns are multiplied in pairs, sums of a q and a code from -16 to 15 must be bytes.
template <typename Isa>
constexpr int most_of_acts() {
  return Isa::kPairsColumns ? 112 : 127;
}

}  // namespace patina::kernels
