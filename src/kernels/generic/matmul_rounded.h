#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/generic/bounds.h"
#include "kernels/generic/dot_block.h"
#include "kernels/generic/paired_block.h"
#include "kernels/generic/token_tiles.h"
#include "kernels/prefetch.h"

// Products of quantized weights and quantized activations: for a few tokens straight from the packed panels, which are
// read once; for many, from panels unpacked to the caches, where each block serves all tokens. Both give the same
// integers and add them up in the same order, so a row's result does not depend on the other rows of the batch.
namespace patina::kernels {
namespace {

// Tokens whose activations (0.5 MB for the columns unpacked at a time) stay in the second-level cache while several
// panels pass.
constexpr int64_t kCachedTokens = 128;
// Columns unpacked at a time.
constexpr int64_t kUnpackedBlocks = 64;

// What follows `from` and the bytes that Isa::prefetch says.
template <typename Isa, DType kType, int kTokens, int kBytes>
[[gnu::always_inline]] inline void fetch_ahead(const uint8_t* from) {
  constexpr Prefetch kPrefetch = Isa::prefetch(packed_format(kType).low_bits, kTokens);
  if constexpr (kPrefetch.bytes != 0) {
#pragma GCC unroll 8
    for (int i = 0; i < kBytes; i += kVectorBytes) {
      __builtin_prefetch(from + kPrefetch.bytes + i, 0, locality(kPrefetch.cache));
    }
  }
}

// Reads a word of each line, in order, since the processor foresees best what lies one after the other: otherwise a
// block's planes are read by turns, and scales long after the codes behind them.
template <int kBytes>
[[gnu::always_inline]] inline void read_in_order(const uint8_t* from) {
#pragma GCC unroll 8
  for (int i = 0; i < kBytes; i += kVectorBytes) {
    static_cast<void>(*reinterpret_cast<const volatile uint32_t*>(from + i));
  }
}

// The codes of a block that T tokens meet.
template <typename Isa, DType kType, int T>
using TileCodes = std::conditional_t<Isa::kInlineCodes && T <= dot_tokens<Isa>(block_form<Isa, kType>()),
                                     PackedCodes<Isa, kType>, UnpackedCodes<Isa>>;

// All of K for one panel and T tokens; `lanes` rows are stored. Never inlined, so that scripts/check_disassembly.sh
// finds each under its name.
template <typename Isa, DType kType, int T>
[[gnu::noinline]] void q8_tile(const uint8_t* panel, int64_t blocks, const uint8_t* acts, float* y, int64_t ldy,
                               int lanes) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr BlockForm kForm = block_form<Isa, kType>();
  constexpr int kGroupBytes = kFormat.group_bytes();
  constexpr int kBlockBytes = kFormat.block_bytes();
  typename Isa::Floats sum[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) sum[t] = Isa::zero();
  for (int64_t first = 0; first < blocks; first += kFormat.group_blocks) {
    fetch_ahead<Isa, kType, T, kFormat.scale_bytes>(panel);
    read_in_order<kFormat.scale_bytes>(panel);
    const int count = blocks - first < kFormat.group_blocks ? static_cast<int>(blocks - first) : kFormat.group_blocks;
#pragma GCC unroll 1
    for (int b = 0; b < count; ++b) {
      // In step with the use: a burst for the whole group would stall on the line buffers.
      const BlockPlace<kType> at{panel, b};
      fetch_ahead<Isa, kType, T, kBlockBytes>(at.codes());
      read_in_order<kBlockBytes>(at.codes());
      DotBlock<Isa, kForm, TileCodes<Isa, kType, T>> block;
      load_block<Isa>(at, block);
      add_products<T>(block, acts, sum);
      acts += kActBytes<Isa, kType> * T;
    }
    panel += kGroupBytes;
  }
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) Isa::store_some(y + t * ldy, sum[t], lanes);
}

// 1 <= tokens <= kActGroup.
template <typename Isa, DType kType>
void q8_tokens(const uint8_t* panel, int64_t blocks, const uint8_t* acts, int64_t tokens, float* y, int64_t ldy,
               int lanes) {
  each_tile<kActGroup>(tokens,
                       [&]<int T>(int64_t /*first*/) { q8_tile<Isa, kType, T>(panel, blocks, acts, y, ldy, lanes); });
}

// What a block is unpacked to for many tokens. Few would not make up for what pairs of columns take to prepare.
template <typename Isa, DType kType>
struct Unpacked {
  using Block = DotBlock<Isa, block_form<Isa, kType>(), UnpackedCodes<Isa>>;
};
template <typename Isa, DType kType>
  requires(pairs_columns<Isa>(kType))
struct Unpacked<Isa, kType> {
  using Block = PairedBlock<Isa, paired_form<Isa, kType>()>;
};

// Packed weights that are unpacked next, meanwhile fetched to the second-level cache: so many bytes for each block that
// is multiplied.
struct NextWeights {
  const uint8_t* from;
  int64_t block_bytes;  // 0: none

  [[gnu::always_inline]] void fetch_block() {
    for (int64_t i = 0; i < block_bytes; i += kVectorBytes) __builtin_prefetch(from + i, 0, locality(2));
    from += block_bytes;
  }
};

// `count` unpacked blocks for one group of tokens; begins with the sums in y unless `fresh`.
template <typename Isa, int kScales, typename Block>
[[gnu::noinline]] void q8_unpacked_tile(const Block* blocks, int64_t count, const uint8_t* acts, float* y, int64_t ldy,
                                        int lanes, bool fresh, NextWeights next) {
  constexpr int kTokens = kActGroup;
  typename Isa::Floats sum[kTokens];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) sum[t] = fresh ? Isa::zero() : Isa::load_some(y + t * ldy, lanes);
  for (int64_t b = 0; b < count; ++b) {
    next.fetch_block();
    add_products<kTokens>(blocks[b], acts, sum);
    acts += acts_fields<Isa>(kScales).bytes * kTokens;
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) Isa::store_some(y + t * ldy, sum[t], lanes);
}

// Whole groups of tokens for the columns of some blocks.
template <typename Isa, DType kType>
void q8_unpacked(const Panels& w, Range panels, const uint8_t* acts, Range tokens, Range blocks, Rows<float> y,
                 float* scratch) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kScales = acts_scales<Isa>(kType);
  using Block = typename Unpacked<Isa, kType>::Block;
  static_assert(sizeof(Block) * kUnpackedBlocks <= sizeof(float) * kScratchFloats);
  auto* unpacked = reinterpret_cast<Block*>(scratch);
  for (int64_t p = panels.begin; p < panels.end; ++p) {
    for (int64_t b = blocks.begin; b < blocks.end; ++b) {
      load_block<Isa>(BlockPlace<kType>::of(w.panel(p), b), unpacked[b - blocks.begin]);
    }
    NextWeights next{BlockPlace<kType>::of(w.panel(p + 1), blocks.begin).group,
                     p + 1 < w.count() ? kFormat.group_bytes() / kFormat.group_blocks : 0};
    for (int64_t t = tokens.begin; t < tokens.end; t += kActGroup) {
      const uint8_t* group = acts + (t * w.cols / kBlockColumns + blocks.begin * kActGroup) * kActBytes<Isa, kType>;
      q8_unpacked_tile<Isa, kScales>(unpacked, blocks.end - blocks.begin, group, y.row(t) + p * kPanelRows, y.stride,
                                     w.lanes(p), blocks.begin == 0, next);
      next.block_bytes = 0;  // fetched with the first tokens
    }
  }
}

template <typename Isa>
void matmul_rounded(const PackedView& view, Range panels, const std::byte* packed_acts, int64_t m, Rows<float> y,
                    float* scratch) {
  const Panels w(view);
  const int64_t blocks = w.cols / kBlockColumns;
  const auto* acts = reinterpret_cast<const uint8_t*>(packed_acts);
  const int64_t whole = m > kActGroup ? m / kActGroup * kActGroup : 0;  // tokens in whole groups of many
  visit_quantized(view.type, [&]<DType kType>() {
    for (int64_t t = 0; t < whole; t += kCachedTokens) {
      const int64_t t_end = at_most(t + kCachedTokens, whole);
      for (int64_t b = 0; b < blocks; b += kUnpackedBlocks) {
        const int64_t b_end = at_most(b + kUnpackedBlocks, blocks);
        q8_unpacked<Isa, kType>(w, panels, acts, {t, t_end}, {b, b_end}, y, scratch);
      }
    }
    if (whole == m) return;
    for (int64_t p = panels.begin; p < panels.end; ++p) {
      q8_tokens<Isa, kType>(w.panel(p), blocks, acts + whole * blocks * kActBytes<Isa, kType>, m - whole,
                            y.row(whole) + p * kPanelRows, y.stride, w.lanes(p));
    }
  });
}

}  // namespace
}  // namespace patina::kernels
