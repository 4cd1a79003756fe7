#pragma once

#include <array>
#include <cstdint>

#include "kernels/generic/acts_layout.h"
#include "kernels/generic/rounding.h"
#include "kernels/generic/unpack.h"

// One k-block of weights, ready to be multiplied, and its products with quantized activations:
//   y[t][r] = sum over k-blocks of  d_a[t] * scale[r] * sum_k u a  -  min[r] * d_a[t] * sum_k a
// where w = scale * u - min; a zero point makes a min of scale * zero. With Isa::kIntegerStarts it is part of the sums
// instead: codes stand at the top of their bytes, where every zero point is 128, and sums begin with -128 sum_k a. With
// Isa::kPairStarts sums of 16 bits begin with what takes half the range off codes of 5 bits, or of 6 with two scales,
// be that their zero point or not: only so does a lane hold its sums, two of 16 products or of 8. The sums of u a are
// exact integers, so levels whose activations have the same steps differ by the rounding of f32 sums only.
//
// Activations have one scale d_a for the block or one for each scale of the weights (acts_form()).
//
// With Isa::kIntegerStarts sums need not be converted, either: a sum P that begins with the bits of F = 1.5 * 2^23
// reads F + P as a float, since |P|, of 32 products of bytes, is less than 2^22, and fma(F + P, scale, -F scale) is
// scale P, rounded once. Scales, an f16 times an integer of 8 bits at most, have so few bits that F scale is exact.
namespace patina::kernels {
namespace {

template <typename Isa>
[[gnu::always_inline]] inline typename Isa::Floats base_of(typename Isa::Floats scale) {
  constexpr float kTakenOff = -kIntegerBase;
  return Isa::mul(scale, Isa::broadcast(&kTakenOff));
}

// What the products of a type depend on; types that agree in it share their loops.
struct BlockForm {
  int parts;           // scales in a k-block
  int max_code;        // 255: all 8 bits
  bool has_min;        // else codes are signed bytes, or sums begin with the zero point
  bool whole_factors;  // scale = d * integer, with the integers applied to integer sums
  bool starts;         // sums begin with integers
  int acts_scales;     // of the activations of a k-block

  constexpr int middle() const { return (max_code + 1) / 2; }
};

template <typename Isa, DType kType>
constexpr BlockForm block_form() {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kMaxCode =
      kFormat.table || kFormat.low_bits == 8 ? 255 : (1 << (kFormat.low_bits + kFormat.high_bits)) - 1;
  constexpr bool kWhole = kFormat.scales != ScaleForm::kScale && kFormat.scales != ScaleForm::kScaleOffset;
  if constexpr (Isa::kIntegerStarts && kFormat.zero_log2 != kNoZero) {
    static_assert(kFormat.zero_log2 + 1 == kFormat.code_bits());
    static_assert(!Isa::kWholeFactors);
    return {kFormat.parts(), 255, false, false, true, acts_scales<Isa>(kType)};
  } else {
    constexpr bool kHasZero = kFormat.zero_log2 != kNoZero;
    constexpr bool kStarts = Isa::kPairStarts && kMaxCode == (kFormat.parts() == 1 ? 31 : 63);
    static_assert(!kStarts || !kHasZero || kFormat.zero_log2 + 1 == kFormat.code_bits());
    // Levels that multiply signed bytes take codes above 127 as u - 128, which is the zero point of the types that have
    // such codes.
    constexpr bool kHasMin = kStarts ? !kHasZero : !(Isa::kSignedBytes && kMaxCode == 255);
    return {kFormat.parts(), kMaxCode, kHasMin, Isa::kWholeFactors && kWhole, kStarts, acts_scales<Isa>(kType)};
  }
}

// Members that only some forms have.
template <typename Isa, int kCount>
struct BlockFactors {
  typename Isa::Bytes at[kCount];
};
template <typename Isa>
struct BlockFactors<Isa, 0> {};

template <typename Isa, int kCount>
struct BlockFloats {
  typename Isa::Floats at[kCount];
};
template <typename Isa>
struct BlockFloats<Isa, 0> {};

// What codes of a type are multiplied with 2^this, to stand at the top of their bytes.
template <typename Isa, DType kType>
constexpr int codes_shift() {
  return Isa::kIntegerStarts && block_form<Isa, kType>().starts ? 8 - packed_format(kType).code_bits() : 0;
}
template <typename Isa, DType kType>
constexpr bool codes_are_signed() {
  return !block_form<Isa, kType>().has_min && !block_form<Isa, kType>().starts;
}

// The code vectors of a block.
template <typename Isa>
struct UnpackedCodes {
  typename Isa::Bytes vectors[kCodeVectors];

  template <DType kType>
  [[gnu::always_inline]] void load(const BlockPlace<kType>& at) {
    load_codes<Isa, codes_shift<Isa, kType>()>(at, vectors);
    if constexpr (codes_are_signed<Isa, kType>()) {
#pragma GCC unroll 8
      for (auto& vector : vectors) vector = Isa::to_signed(vector);
    }
  }
  [[gnu::always_inline]] const typename Isa::Bytes& operator[](int i) const { return vectors[i]; }
};

// The same, of a block that is multiplied once: each is unpacked where it is used. Where registers do not hold all of
// them, g++ would store what it computes for the later ones, and load it again.
template <typename Isa, DType kType>
class PackedCodes {
 public:
  [[gnu::always_inline]] void load(const BlockPlace<kType>& at) { codes_ = at.codes(); }
  [[gnu::always_inline]] typename Isa::Bytes operator[](int i) const {
    switch (i) {
      case 0:
        return at<0>();
      case 1:
        return at<1>();
      case 2:
        return at<2>();
      case 3:
        return at<3>();
      case 4:
        return at<4>();
      case 5:
        return at<5>();
      case 6:
        return at<6>();
      default:
        return at<7>();
    }
  }

 private:
  template <int kVector>
  [[gnu::always_inline]] typename Isa::Bytes at() const {
    const auto vector = code_vector<Isa, kType, codes_shift<Isa, kType>(), kVector>(codes_);
    if constexpr (codes_are_signed<Isa, kType>()) {
      return Isa::to_signed(vector);
    } else {
      return vector;
    }
  }

  const uint8_t* codes_;
};

template <typename Isa, BlockForm kForm, typename Codes>
struct DotBlock {
  Codes codes;
  typename Isa::Floats scale[kForm.whole_factors ? 1 : kForm.parts];  // d alone beside factors
  [[no_unique_address]] BlockFactors<Isa, kForm.whole_factors ? kForm.parts : 0> factors;
  [[no_unique_address]] BlockFloats<Isa, Isa::kIntegerStarts ? kForm.acts_scales : 0> base;  // of the first scales
  [[no_unique_address]] BlockFloats<Isa, kForm.has_min ? kForm.parts : 0> min;
};

// What `dot` multiplies sums of pairs with: load_factor()'s, in 16 bits twice in each lane.
template <typename Isa, DType kType>
[[gnu::always_inline]] inline typename Isa::Bytes load_dot_factors(const BlockPlace<kType>& at, int part) {
  constexpr ScaleForm kForm = packed_format(kType).scales;
  constexpr bool kSigned = kForm == ScaleForm::kSigned;
  if constexpr (kForm == ScaleForm::kSixBitWithMin || kSigned) {
    return Isa::template load_factors<kSigned>(factors_place(at, part));
  } else {
    return Isa::to_factors(load_factor<Isa>(at, part));
  }
}

template <typename Isa, DType kType, typename Codes>
[[gnu::always_inline]] inline void load_block(const BlockPlace<kType>& at,
                                              DotBlock<Isa, block_form<Isa, kType>(), Codes>& out) {
  constexpr BlockForm kForm = block_form<Isa, kType>();
  constexpr int kShift = codes_shift<Isa, kType>();
  out.codes.load(at);
  if constexpr (kForm.whole_factors) out.scale[0] = Isa::load_f16(at.group);
#pragma GCC unroll 2
  for (int p = 0; p < kForm.parts; ++p) {
    auto scale = load_scale<Isa>(at, p);
    if constexpr (kShift != 0) {
      constexpr float kBack = 1.0F / (1 << kShift);
      scale = Isa::mul(scale, Isa::broadcast(&kBack));
    }
    if constexpr (kForm.whole_factors) {
      out.factors.at[p] = load_dot_factors<Isa>(at, p);
    } else {
      out.scale[p] = scale;
    }
    if constexpr (Isa::kIntegerStarts) {
      if (p < kForm.acts_scales) out.base.at[p] = base_of<Isa>(scale);
    }
    if constexpr (kForm.has_min) {
      out.min.at[p] = load_offset<Isa>(at, p, scale);
      if constexpr (kForm.starts) {
        constexpr float kLess = -kForm.middle();
        out.min.at[p] = Isa::fma(scale, Isa::broadcast(&kLess), out.min.at[p]);
      }
    }
  }
}

// Adds results, each times its token's scale, to `sum`; `d`: the scales.
template <typename Isa, int N>
[[gnu::always_inline]] inline void add_scaled(const typename Isa::Floats (&result)[N], const float* d,
                                              typename Isa::Floats* sum) {
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) sum[n] = Isa::fma(result[n], Isa::broadcast(d + n), sum[n]);
}

// Adds the mins times sums of the activations to `sum`, for N tokens of T; `offset`: those sums.
template <int T, typename Isa, int N, int kMins>
[[gnu::always_inline]] inline void add_mins(const BlockFloats<Isa, kMins>& min, const float* offset,
                                            typename Isa::Floats* sum) {
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
#pragma GCC unroll 2
    for (int p = 0; p < kMins; ++p) sum[n] = Isa::fma(min.at[p], Isa::broadcast(offset + p * T + n), sum[n]);
  }
}

// Whether integer sums of a part of a block are floats (see above); where there are more parts than scales of the
// activations, the second part's are not, since its results are added to those of the first.
template <typename Isa, BlockForm kForm>
constexpr bool sums_are_floats(int part) {
  return Isa::kIntegerStarts && part < kForm.acts_scales;
}

// Sums of integers for tokens t .. t + N - 1 of T: those of a part of the block or, with factors, also of those before.
template <int kPart, typename Isa, BlockForm kForm, int T, int N, typename Codes>
[[gnu::always_inline]] inline void sum_part(const DotBlock<Isa, kForm, Codes>& block, const uint8_t* acts, int t,
                                            typename Isa::Ints (&sums)[N]) {
  constexpr ActsFields kFields = acts_fields<Isa>(kForm.acts_scales);
  constexpr int kVectors = kCodeVectors / kForm.parts;
  constexpr bool kIntegers = Isa::kIntegerStarts && kForm.starts;
  constexpr bool kFloats = sums_are_floats<Isa, kForm>(kPart);
  constexpr bool kFresh = !kIntegers && !kFloats && (kPart == 0 || !kForm.whole_factors);
  if constexpr (kIntegers) {
    static_assert(kFields.start[kForm.parts - 1] != 0);
    const auto* starts = reinterpret_cast<const int32_t*>(acts + kFields.start[kForm.parts - 1] * T) + t;
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sums[n] = Isa::broadcast_int(starts + kPart * T + n);
  } else if constexpr (kFloats) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sums[n] = Isa::broadcast_int(&kIntegerBaseBits);
  }
  constexpr int kFirst = kPart * kVectors;
  const auto* column = reinterpret_cast<const int8_t*>(acts) + t * 4;
  if constexpr (kForm.starts && Isa::kPairStarts) {
    // Half the range of 5 bits is the zero point of what stands there for both halves, that of 6 twice it for one.
    static_assert(kForm.middle() == kPairStartZero * kForm.parts);
    static_assert(2 * kVectors * 127 * kForm.middle() < 1 << 15);
    const auto* starts = reinterpret_cast<const int32_t*>(acts + kFields.pair_start * T) + t;
    const std::array<const int32_t*, 2> two = {starts + kPart * T, starts + (kForm.parts == 1 ? T : kPart * T)};
    if constexpr (kForm.whole_factors) {
      Isa::template dot_from<kFirst, kVectors, kFresh, N>(sums, block.codes, column, 4 * T, two,
                                                          block.factors.at[kPart]);
    } else {
      Isa::template dot_from<kFirst, kVectors, kFresh, N>(sums, block.codes, column, 4 * T, two);
    }
  } else if constexpr (kForm.whole_factors) {
    Isa::template dot<kFirst, kVectors, kForm.max_code, kFresh, N>(sums, block.codes, column, 4 * T,
                                                                   block.factors.at[kPart]);
  } else {
    Isa::template dot<kFirst, kVectors, kForm.max_code, kFresh, N>(sums, block.codes, column, 4 * T);
  }
}

// The sums up to a part times scales; with factors those of all parts at once.
template <int kPart, typename Isa, BlockForm kForm, int N, typename Codes>
[[gnu::always_inline]] inline void scale_part(const DotBlock<Isa, kForm, Codes>& block,
                                              const typename Isa::Ints (&sums)[N], typename Isa::Floats (&result)[N]) {
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    if constexpr (kForm.whole_factors) {
      if constexpr (kPart + 1 == kForm.parts) result[n] = Isa::mul(Isa::to_floats(sums[n]), block.scale[0]);
    } else if constexpr (sums_are_floats<Isa, kForm>(kPart)) {
      result[n] = Isa::fma(Isa::as_floats(sums[n]), block.scale[kPart], block.base.at[kPart]);
    } else if constexpr (kPart == 0) {
      result[n] = Isa::mul(Isa::to_floats(sums[n]), block.scale[0]);
    } else {
      result[n] = Isa::fma(Isa::to_floats(sums[n]), block.scale[kPart], result[n]);
    }
  }
}

// Tokens that a block is multiplied with at a time.
template <typename Isa>
constexpr int dot_tokens(BlockForm form) {
  return Isa::dot_tokens(form.max_code, form.parts / form.acts_scales);
}

// Adds the block's products for tokens t .. t + N - 1 of T to `sum`, theirs. `acts`: the block of the activations.
template <typename Isa, BlockForm kForm, int T, int N, typename Codes>
[[gnu::always_inline]] inline void add_products(const DotBlock<Isa, kForm, Codes>& block, const uint8_t* acts, int t,
                                                typename Isa::Floats* sum) {
  constexpr ActsFields kFields = acts_fields<Isa>(kForm.acts_scales);
  const auto* d = reinterpret_cast<const float*>(acts + kFields.scale * T) + t;
  typename Isa::Ints sums[N];
  typename Isa::Floats result[N];
  const auto multiply = [&]<int kPart>() __attribute__((always_inline)) {
    sum_part<kPart, Isa, kForm, T>(block, acts, t, sums);
    scale_part<kPart, Isa>(block, sums, result);
    if constexpr (kForm.acts_scales == 2) add_scaled<Isa>(result, d + kPart * T, sum);
  };
  multiply.template operator()<0>();
  if constexpr (kForm.parts == 2) multiply.template operator()<1>();
  if constexpr (kForm.acts_scales == 1) add_scaled<Isa>(result, d, sum);
  if constexpr (kForm.has_min) {
    static_assert(kFields.offset[kForm.parts - 1] != 0);
    add_mins<T, Isa, N>(block.min, reinterpret_cast<const float*>(acts + kFields.offset[kForm.parts - 1] * T) + t, sum);
  }
}

// The same for all T tokens.
template <int T, typename Isa, BlockForm kForm, typename Codes>
[[gnu::always_inline]] inline void add_products(const DotBlock<Isa, kForm, Codes>& block, const uint8_t* acts,
                                                typename Isa::Floats (&sum)[T]) {
  constexpr int kTogether = dot_tokens<Isa>(kForm);
  constexpr int kRest = T % kTogether;
#pragma GCC unroll 8
  for (int t = 0; t + kTogether <= T; t += kTogether) {
    add_products<Isa, kForm, T, kTogether>(block, acts, t, sum + t);
  }
  if constexpr (kRest != 0) add_products<Isa, kForm, T, kRest>(block, acts, T - kRest, sum + T - kRest);
}

}  // namespace
}  // namespace patina::kernels
