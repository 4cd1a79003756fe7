#pragma once

#include <cstdint>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/dot_block.h"

// A k-block's products with half as many multiplications, for processors that add beside multiplying: of a column c in
// the first half of the block and its partner c' = c + 16,
//   (a[c] + w[c'] + 128) (a[c'] + w[c])
//     =  a[c] w[c] + a[c'] w[c']  +  a[c] a[c'] + 128 a[c']  +  w[c] w[c'] + 128 w[c]
// where both sums are bytes, the first one without sign. What stands behind the wanted products depends on the row or
// on the token alone; integer sums begin with it taken off. (S. Winograd, "A New Algorithm for Inner Product", IEEE
// Transactions on Computers C-17, 1968.) The sums are those of dot_block.h, exact, and f32 sums take the same steps, so
// that both give the same bits.
namespace patina::kernels {
namespace {

constexpr int kPairedVectors = kCodeVectors / 2;

// Whether the level pairs the type's columns, of which c and c' must have one scale.
template <typename Isa, DType kType>
constexpr bool pairs_columns() {
  return Isa::kPairsColumns && packed_format(kType).small_codes();
}

// What the products of a type depend on. The weights w of the formula are codes u - zero.
struct PairedForm {
  int zero;      // 0 where there is no zero point and u is small enough
  bool has_min;  // sums are to be those of u itself
};

template <DType kType>
constexpr PairedForm paired_form() {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr bool kHasMin = kFormat.zero_log2 == kNoZero;
  static_assert(!kHasMin || kFormat.code_bits() <= 4 || 1 << (kFormat.code_bits() - 1) == kPairedZero);
  return {kHasMin && kFormat.code_bits() <= 4 ? 0 : 1 << (kFormat.code_bits() - 1), kHasMin};
}

template <typename Isa, PairedForm kForm>
struct PairedBlock {
  typename Isa::Bytes first[kPairedVectors];   // w[c]
  typename Isa::Bytes second[kPairedVectors];  // w[c'] + 128
  typename Isa::Ints start;
  typename Isa::Floats scale;
  typename Isa::Floats base;
  [[no_unique_address]] BlockFloats<Isa, kForm.has_min ? 1 : 0> min;
};

template <typename Isa, DType kType>
[[gnu::always_inline]] inline void load_block(const BlockPlace<kType>& at,
                                              PairedBlock<Isa, paired_form<kType>()>& out) {
  constexpr PairedForm kForm = paired_form<kType>();
  typename Isa::Bytes codes[kCodeVectors];
  load_codes<Isa>(at, codes);
  auto start = Isa::subtract(Isa::zero_ints(), kSumBits);
#pragma GCC unroll 4
  for (int i = 0; i < kPairedVectors; ++i) {
    out.first[i] = Isa::add_to_bytes(codes[i], -kForm.zero);
    out.second[i] = Isa::add_to_bytes(codes[i + kPairedVectors], 128 - kForm.zero);
    Isa::add_byte_products(start, out.second[i], out.first[i]);
  }
  out.start = Isa::negate_ints(start);
  out.scale = load_scale<Isa>(at, 0);
  out.base = base_of<Isa>(out.scale);
  if constexpr (kForm.has_min) out.min.at[0] = load_min<Isa>(at, 0);
}

// Adds the block's products for tokens t .. t + N - 1 of T to `sum`, theirs. `acts`: the block of the activations.
template <typename Isa, PairedForm kForm, int T, int N>
[[gnu::always_inline]] inline void add_products(const PairedBlock<Isa, kForm>& block, const uint8_t* acts, int t,
                                                typename Isa::Floats* sum) {
  const auto* first = reinterpret_cast<const int8_t*>(acts + t * 4);
  const auto* second = first + kPairedVectors * 4 * T;
  const auto* starts = reinterpret_cast<const int32_t*>(acts + kActPairs * T) + t;
  if constexpr (kForm.has_min && kForm.zero != 0) starts += T;
  typename Isa::Ints products[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) products[n] = Isa::add_ints(block.start, Isa::broadcast_int(starts + n));
#pragma GCC unroll 4
  for (int i = 0; i < kPairedVectors; ++i) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const int at = (i * T + n) * 4;
      Isa::add_byte_products(products[n], Isa::add_bytes(Isa::broadcast_bytes(first + at), block.second[i]),
                             Isa::add_bytes(Isa::broadcast_bytes(second + at), block.first[i]));
    }
  }
  typename Isa::Floats result[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) result[n] = Isa::fma(Isa::as_floats(products[n]), block.scale, block.base);
  add_scaled<T, Isa>(result, block.min, acts, t, sum);
}

// The same for all T tokens, with mins in two halves: so many multiplications of f32 in a row as eight tokens have then
// would leave the units that add idle.
template <int T, typename Isa, PairedForm kForm>
[[gnu::always_inline]] inline void add_products(const PairedBlock<Isa, kForm>& block, const uint8_t* acts,
                                                typename Isa::Floats (&sum)[T]) {
  constexpr int kTogether = kForm.has_min ? 4 : 8;
  static_assert(T % kTogether == 0);
#pragma GCC unroll 2
  for (int t = 0; t < T; t += kTogether) add_products<Isa, kForm, T, kTogether>(block, acts, t, sum + t);
}

}  // namespace
}  // namespace patina::kernels
