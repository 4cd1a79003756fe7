#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/dot_block.h"

// A k-block's products with half as many multiplications, for processors that add beside multiplying: of a column c in
// the first half of the columns that have one scale, all 32 or 16, and its partner c' in the second half,
//   (a[c] + w[c'] + 128) (a[c'] + w[c])
//     =  a[c] w[c] + a[c'] w[c']  +  a[c] a[c'] + 128 a[c']  +  w[c] w[c'] + 128 w[c]
// where both sums are bytes, the first one without sign. What stands behind the wanted products depends on the row or
// on the token alone; integer sums begin with it taken off. (S. Winograd, "A New Algorithm for Inner Product", IEEE
// Transactions on Computers C-17, 1968.) The sums are those of dot_block.h, exact, and f32 sums take the same steps, so
// that both give the same bits.
namespace patina::kernels {
namespace {

constexpr int kPairedVectors = kCodeVectors / 2;

// What the products of a type depend on. The weights w of the formula are codes u - zero.
struct PairedForm {
  int parts;     // scales in a k-block, each with activations of its own scale
  int zero;      // with mins: of halves 0, else what pairs[1] of the activations puts back
  bool has_min;  // sums are to be those of u itself

  constexpr int vectors() const { return kPairedVectors / parts; }  // of either half of a part
};

template <typename Isa, DType kType>
constexpr PairedForm paired_form() {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kParts = kFormat.parts();
  if constexpr (kFormat.zero_log2 != kNoZero) return {kParts, 1 << kFormat.zero_log2, false};
  return {kParts, kParts == 2 ? 0 : 128 - acts_form<Isa>(kType).most, true};
}

template <typename Isa, PairedForm kForm>
struct PairedBlock {
  typename Isa::Bytes first[kPairedVectors];   // w[c]
  typename Isa::Bytes second[kPairedVectors];  // w[c'] + 128
  typename Isa::Ints start[kForm.parts];
  typename Isa::Floats scale[kForm.parts];
  typename Isa::Floats base[kForm.parts];
  [[no_unique_address]] BlockFloats<Isa, kForm.has_min ? kForm.parts : 0> min;
};

template <typename Isa, DType kType>
[[gnu::always_inline]] inline void load_block(const BlockPlace<kType>& at,
                                              PairedBlock<Isa, paired_form<Isa, kType>()>& out) {
  constexpr PairedForm kForm = paired_form<Isa, kType>();
  constexpr int kVectors = kForm.vectors();
  constexpr int kMostOfActs = acts_form<Isa>(kType).most;
  static_assert(acts_scales<Isa>(kType) == kForm.parts);
  static_assert(kMostOfActs + std::max(kForm.zero, (1 << packed_format(kType).code_bits()) - kForm.zero) <= 128);
  typename Isa::Bytes codes[kCodeVectors];
  load_codes<Isa>(at, codes);
#pragma GCC unroll 2
  for (int p = 0; p < kForm.parts; ++p) {
    auto start = Isa::subtract(Isa::zero_ints(), kIntegerBaseBits);
#pragma GCC unroll 4
    for (int i = p * kVectors; i < (p + 1) * kVectors; ++i) {
      out.first[i] = Isa::add_to_bytes(codes[p * kVectors + i], -kForm.zero);
      out.second[i] = Isa::add_to_bytes(codes[(p + 1) * kVectors + i], 128 - kForm.zero);
      Isa::add_byte_products(start, out.second[i], out.first[i]);
    }
    out.start[p] = Isa::negate_ints(start);
    out.scale[p] = load_scale<Isa>(at, p);
    out.base[p] = base_of<Isa>(out.scale[p]);
    if constexpr (kForm.has_min) out.min.at[p] = load_min<Isa>(at, p);
  }
}

// Adds the block's products for tokens t .. t + N - 1 of T to `sum`, theirs. `acts`: the block of the activations.
template <typename Isa, PairedForm kForm, int T, int N>
[[gnu::always_inline]] inline void add_products(const PairedBlock<Isa, kForm>& block, const uint8_t* acts, int t,
                                                typename Isa::Floats* sum) {
  constexpr ActsFields kFields = acts_fields<Isa>(kForm.parts);
  constexpr int kVectors = kForm.vectors();
  const auto* a = reinterpret_cast<const int8_t*>(acts + t * 4);
  const auto* starts = reinterpret_cast<const int32_t*>(acts + kFields.pairs * T) + t;
  if constexpr (kForm.has_min && kForm.zero != 0) starts += T;
  const auto* d = reinterpret_cast<const float*>(acts + kFields.scale * T) + t;
#pragma GCC unroll 2
  for (int p = 0; p < kForm.parts; ++p) {
    typename Isa::Ints products[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) products[n] = Isa::add_ints(block.start[p], Isa::broadcast_int(starts + p * T + n));
#pragma GCC unroll 4
    for (int i = p * kVectors; i < (p + 1) * kVectors; ++i) {
      const auto* first = a + (p * kVectors + i) * T * 4;
      const auto* second = first + kVectors * T * 4;
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        Isa::add_byte_products(products[n], Isa::add_bytes(Isa::broadcast_bytes(first + 4 * n), block.second[i]),
                               Isa::add_bytes(Isa::broadcast_bytes(second + 4 * n), block.first[i]));
      }
    }
    typename Isa::Floats result[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) result[n] = Isa::fma(Isa::as_floats(products[n]), block.scale[p], block.base[p]);
    add_scaled<Isa>(result, d + p * T, sum);
  }
  if constexpr (kForm.has_min) {
    add_mins<T, Isa, N>(block.min, reinterpret_cast<const float*>(acts + kFields.offset[kForm.parts - 1] * T) + t, sum);
  }
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
