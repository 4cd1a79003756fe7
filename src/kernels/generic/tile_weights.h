#pragma once

#include <cstdint>

#include "kernels/generic/tiles.h"
#include "kernels/generic/unpack.h"

// Weights of packed k-blocks, rounded to bf16, as tiles.
namespace patina::kernels {
namespace {

// One k-block of a panel: its codes and what they mean, w = scale * u + offset.
template <typename Isa, DType kType>
struct CodedBlock {
  static constexpr int kParts = packed_format(kType).parts();
  typename Isa::Bytes codes[kCodeVectors];
  typename Isa::Floats scale[kParts];
  typename Isa::Floats offset[kParts];

  [[gnu::always_inline]] CodedBlock(const uint8_t* panel, int64_t block) {
    const auto at = BlockPlace<kType>::of(panel, block);
    load_codes<Isa>(at, codes);
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      scale[part] = load_scale<Isa>(at, part);
      offset[part] = Isa::negate(load_offset<Isa>(at, part, scale[part]));
    }
  }

  // Column 4 * vector + kByte.
  template <int kByte>
  [[gnu::always_inline]] typename Isa::Floats column(int vector) const {
    const int part = vector * kParts / kCodeVectors;
    return Isa::fma(Isa::to_floats(Isa::template byte<kByte>(codes[vector])), scale[part], offset[part]);
  }
};

// A right factor [columns][16 rows] of the forward product: pairs of columns.
template <typename Isa, DType kType>
void store_pairs_of_columns(const uint8_t* panel, int64_t block, uint16_t* tile) {
  const CodedBlock<Isa, kType> of(panel, block);
#pragma GCC unroll 8
  for (int i = 0; i < kCodeVectors; ++i) {
    uint16_t* to = tile + 2 * i * kTileInner;
    Isa::store_bf16_pairs(to, of.template column<0>(i), of.template column<1>(i));
    Isa::store_bf16_pairs(to + kTileInner, of.template column<2>(i), of.template column<3>(i));
  }
}

// Two left factors [16 columns][32 rows] of the backward product, the second `next` numbers after the first. The rows
// are those of a panel and the next one; where `alone` the next one's are zeros.
template <typename Isa, DType kType>
void store_columns_of_rows(const uint8_t* panel, int64_t panel_stride, bool alone, int64_t block, uint16_t* tiles,
                           int64_t next) {
  const CodedBlock<Isa, kType> first(panel, block);
  const CodedBlock<Isa, kType> second(alone ? panel : panel + panel_stride, block);
#pragma GCC unroll 8
  for (int i = 0; i < kCodeVectors; ++i) {
    uint16_t* to = tiles + i / 4 * next + i % 4 * 4 * kTileInner;
    const auto store = [&]<int kByte>() __attribute__((always_inline)) {
      Isa::store_bf16(to + kByte * kTileInner, first.template column<kByte>(i),
                      alone ? Isa::zero() : second.template column<kByte>(i));
    };
    store.template operator()<0>();
    store.template operator()<1>();
    store.template operator()<2>();
    store.template operator()<3>();
  }
}

}  // namespace
}  // namespace patina::kernels
