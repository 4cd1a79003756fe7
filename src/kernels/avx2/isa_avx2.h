#pragma once

#include <immintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "kernels/packed_layout.h"
#include "kernels/prefetch.h"

// The vectors of kernels/scalar/isa_scalar.h as pairs of 256-bit registers: rows 0..7 and 8..15.
namespace patina::kernels {
namespace {

struct Avx2Isa {
  struct Bytes {
    __m256i low, high;
  };
  using Ints = Bytes;
  struct Floats {
    __m256 low, high;
  };
  // 12 sums, 2 weights and a broadcast in 16 registers.
  static constexpr int kFloatTile = 6;
  // 12 sums, 2 weights, a broadcast and a product.
  static constexpr int kPairTile = 6;
  static constexpr int kQuadTile = 6;
  // The sums of 16 bits hold gradients up to 127 times codes up to 8 for 32 rows, up to 16 for 16; a lane of 32 bits
  // has two of them.
  static constexpr int quad_run(int code_bits) { return code_bits <= 4 ? 16 : 8; }
  static constexpr uint8_t kQuadExcess = 128;
  // Where memory is quick, 8 and 10 KiB are a few percent better still on AMD's, and as much worse where it is not.
  // Without, a token alone would meet Q8_0 a little faster there, and far more slowly on Intel's.
  static constexpr Prefetch prefetch(int /*low_bits*/, int /*tokens*/) { return {7168, 2}; }
  static constexpr bool kInlineCodes = true;
  static constexpr bool kSignedBytes = true;
  static constexpr bool kWholeFactors = true;
  static constexpr bool kIntegerStarts = false;
  static constexpr bool kPairStarts = true;
  static constexpr bool kPairsColumns = false;
  // 8 sums, 2 weights, a broadcast and a product in 16 registers.
  static constexpr int dot_tokens(int /*max_code*/, int /*added*/) { return 4; }

  static Bytes load_bytes(const uint8_t* from) {
    return {_mm256_load_si256(reinterpret_cast<const __m256i*>(from)),
            _mm256_load_si256(reinterpret_cast<const __m256i*>(from + 32))};
  }
  static Bytes mask(Bytes v, uint8_t m) {
    const __m256i keep = _mm256_set1_epi8(static_cast<char>(m));
    return {_mm256_and_si256(v.low, keep), _mm256_and_si256(v.high, keep)};
  }
  template <int kBits>
  static Bytes shift_left(Bytes v) {
    return {_mm256_slli_epi32(v.low, kBits), _mm256_slli_epi32(v.high, kBits)};
  }
  template <int kBits>
  static Bytes shift_right(Bytes v) {
    return {_mm256_srli_epi32(v.low, kBits), _mm256_srli_epi32(v.high, kBits)};
  }
  static Bytes merge(Bytes a, Bytes b) { return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)}; }
  static Bytes look_up(Bytes indices) {
    const __m256i table = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(kTableCodes)));
    return {_mm256_shuffle_epi8(table, indices.low), _mm256_shuffle_epi8(table, indices.high)};
  }
  static Bytes to_signed(Bytes v) {
    const __m256i sign = _mm256_set1_epi8(static_cast<char>(0x80));
    return {_mm256_xor_si256(v.low, sign), _mm256_xor_si256(v.high, sign)};
  }
  template <int kByte>
  static Ints byte(Bytes v) {
    return bits(v, 8 * kByte, 255);
  }

  static Ints zero_ints() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static Ints subtract(Ints v, int32_t amount) {
    const __m256i a = _mm256_set1_epi32(amount);
    return {_mm256_sub_epi32(v.low, a), _mm256_sub_epi32(v.high, a)};
  }
  static Ints bits(Ints v, int shift, int32_t keep) {
    const __m256i k = _mm256_set1_epi32(keep);
    return {_mm256_and_si256(_mm256_srli_epi32(v.low, shift), k),
            _mm256_and_si256(_mm256_srli_epi32(v.high, shift), k)};
  }
  static Ints six_bit(Ints low, Ints high) { return subtract(merge(low, shift_left<4>(high)), 32); }
  static Ints load_u8(const uint8_t* from) {
    return {_mm256_cvtepu8_epi32(load_half(from)), _mm256_cvtepu8_epi32(load_half(from + 8))};
  }
  static Ints load_i8(const uint8_t* from) {
    return {_mm256_cvtepi8_epi32(load_half(from)), _mm256_cvtepi8_epi32(load_half(from + 8))};
  }

  // Integers of 16 bits twice in each lane: what `dot` multiplies sums of pairs with.
  static Bytes to_factors(Ints v) { return merge(bits(v, 0, 0xFFFF), shift_left<16>(v)); }
  // The same from a byte a row.
  template <bool kSigned>
  static Bytes load_factors(const uint8_t* from) {
    const __m256i bytes = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
    // A row's byte in the lower or, for its sign to be drawn down, the upper half of 16 bits, beside zeros.
    constexpr auto twice = [](uint32_t row) {
      return static_cast<int>(kSigned ? 0x00800080U + row * 0x01000100U : 0x80008000U + row * 0x00010001U);
    };
    const __m256i low =
        _mm256_setr_epi32(twice(0), twice(1), twice(2), twice(3), twice(4), twice(5), twice(6), twice(7));
    const __m256i high =
        _mm256_setr_epi32(twice(8), twice(9), twice(10), twice(11), twice(12), twice(13), twice(14), twice(15));
    const Bytes factors = {_mm256_shuffle_epi8(bytes, low), _mm256_shuffle_epi8(bytes, high)};
    if constexpr (!kSigned) return factors;
    return {_mm256_srai_epi16(factors.low, 8), _mm256_srai_epi16(factors.high, 8)};
  }
  template <int kFirst, int kVectors, int kMaxCode, bool kFresh, int N, typename Codes>
  [[gnu::always_inline]] static void dot(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride) {
    const __m256i ones = _mm256_set1_epi16(1);
    dot<kFirst, kVectors, kMaxCode, kFresh, N>(sum, codes, a, stride, {ones, ones});
  }
  // Products of unsigned and signed bytes add up in pairs to 16 bits. As many of these are added in 16 bits as fit.
  // Where that is not all, sums of 16 and of 32 bits fill the registers, and one half of the rows goes after the other.
  template <int kFirst, int kVectors, int kMaxCode, bool kFresh, int N, typename Codes>
  [[gnu::always_inline]] static void dot(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride,
                                         const Bytes& factors) {
    constexpr int kRun = dot_run(kMaxCode, kVectors);
    if constexpr (kRun == kVectors) {
      dot_halves<kFirst, kVectors, kRun, kMaxCode, kFresh, 0, 2>(sum, codes, a, stride, factors);
    } else {
      dot_halves<kFirst, kVectors, kRun, kMaxCode, kFresh, 0, 1>(sum, codes, a, stride, factors);
      dot_halves<kFirst, kVectors, kRun, kMaxCode, kFresh, 1, 1>(sum, codes, a, stride, factors);
    }
  }

  // Of 32 codes: -kZero times the sum of those of each half whose place in 4 is 0 or 1, and of the others, in 16 bits.
  template <int kZero>
  static void store_pair_starts(const int8_t* codes, uint8_t* first_half, uint8_t* second_half) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    __m256i sum = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
    sum = _mm256_add_epi16(sum, _mm256_shuffle_epi32(sum, 0x4E));
    sum = _mm256_add_epi16(sum, _mm256_shuffle_epi32(sum, 0xB1));
    const __m256i starts = _mm256_mullo_epi16(sum, _mm256_set1_epi16(-kZero));
    const int32_t words[2] = {_mm256_extract_epi32(starts, 0), _mm256_extract_epi32(starts, 4)};
    std::memcpy(first_half, words, sizeof(words[0]));
    std::memcpy(second_half, words + 1, sizeof(words[1]));
  }

  // `dot` for codes of 5 bits or, in one half of the columns, of 6. Sums of 16 bits begin with both of `starts`; they
  // may wrap around on the way, but not end beyond 127 * 16 * 16 or 127 * 32 * 8, both below 2^15.
  template <int kFirst, int kVectors, bool kFresh, int N, typename Codes>
  [[gnu::always_inline]] static void dot_from(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride,
                                              const std::array<const int32_t*, 2>& starts) {
    const __m256i ones = _mm256_set1_epi16(1);
    dot_from<kFirst, kVectors, kFresh, N>(sum, codes, a, stride, starts, {ones, ones});
  }
  template <int kFirst, int kVectors, bool kFresh, int N, typename Codes>
  [[gnu::always_inline]] static void dot_from(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride,
                                              const std::array<const int32_t*, 2>& starts, const Bytes& factors) {
    Ints pairs[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      const __m256i start = _mm256_add_epi16(_mm256_set1_epi32(starts[0][n]), _mm256_set1_epi32(starts[1][n]));
      pairs[n] = {start, start};
    }
    each_product<kFirst, kVectors, N>(codes, a, stride,
                                      [&](int n, const Bytes& code, __m256i word) __attribute__((always_inline)) {
                                        add_product(pairs[n].low, code.low, word);
                                        add_product(pairs[n].high, code.high, word);
                                      });
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      if constexpr (kFresh) {
        sum[n] = {_mm256_madd_epi16(pairs[n].low, factors.low), _mm256_madd_epi16(pairs[n].high, factors.high)};
      } else {
        add_pairs(sum[n].low, pairs[n].low, factors.low);
        add_pairs(sum[n].high, pairs[n].high, factors.high);
      }
    }
  }

  static void add_pair_products(Ints& sum, const Bytes& pairs, const int16_t* factors) {
    const __m256i word = broadcast_word(reinterpret_cast<const int8_t*>(factors));
    add_pair_product(sum.low, pairs.low, word);
    add_pair_product(sum.high, pairs.high, word);
  }

  // Of rows 0..7 and 8..15: of their pairs 0 | 2, one in each half of a register, and of 1 | 3.
  struct PairFactors {
    __m256i even[2], odd[2];
  };
  static PairFactors load_pair_factors(const int16_t* from) {
    PairFactors out;
    for (int h = 0; h < 2; ++h) {
      const __m128i rows = _mm_load_si128(reinterpret_cast<const __m128i*>(from) + h);
      const __m256i quads = _mm256_permute4x64_epi64(_mm256_castsi128_si256(rows), 0x50);
      out.even[h] = _mm256_shuffle_epi32(quads, 0x00);
      out.odd[h] = _mm256_shuffle_epi32(quads, 0x55);
    }
    return out;
  }
  template <int kShift>
  static void store_pairs(Bytes codes, const PairFactors& factors, const PairFactors& offsets, int16_t* to) {
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15));  // bytes of two rows alternate
    const __m256i zero = _mm256_setzero_si256();
    const auto store = [](__m256i bytes, __m256i factor, __m256i offset, int16_t* first)
                           __attribute__((always_inline)) {
                             const __m256i product = _mm256_mulhrs_epi16(_mm256_slli_epi16(bytes, kShift), factor);
                             const __m256i pairs = _mm256_srai_epi16(_mm256_sub_epi16(product, offset), 2);
                             auto* out = reinterpret_cast<__m128i*>(first);
                             _mm_store_si128(out, _mm256_castsi256_si128(pairs));
                             _mm_store_si128(out + 8, _mm256_extracti128_si256(pairs, 1));  // two pairs on
                           };
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const __m256i bytes = _mm256_shuffle_epi8(half(codes, h), order);
      int16_t* rows = to + h * 8 * kPanelRows;
      store(_mm256_unpacklo_epi8(bytes, zero), factors.even[h], offsets.even[h], rows);
      store(_mm256_unpackhi_epi8(bytes, zero), factors.odd[h], offsets.odd[h], rows + 2 * kPanelRows);
    }
  }

  static void store_quads(Bytes codes, int8_t zero, int8_t* to) {
    const __m256i order =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i less = _mm256_set1_epi8(zero);
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const __m256i quads = _mm256_sub_epi8(_mm256_shuffle_epi8(half(codes, h), order), less);
      auto* out = reinterpret_cast<__m128i*>(to + h * 4 * kVectorBytes);
      _mm_store_si128(out, _mm256_castsi256_si128(quads));
      _mm_store_si128(out + 4, _mm256_extracti128_si256(quads, 1));
    }
  }
  // Two sums of 16 bits in each lane, which wrap around on the way.
  static void add_quad_products(Ints& sum, const Bytes& weights, const uint8_t* quad) {
    const __m256i word = broadcast_word(reinterpret_cast<const int8_t*>(quad));
    add_product(sum.low, word, weights.low);
    add_product(sum.high, word, weights.high);
  }
  static Ints load_quad_sums(const uint8_t* from) { return load_bytes(from); }
  static void store_negated_quads(Ints sum, uint8_t* to) {
    const __m256i none = _mm256_setzero_si256();
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm256_sub_epi16(none, sum.low));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + 32), _mm256_sub_epi16(none, sum.high));
  }
  static Ints quad_totals(Ints sum) {
    const __m256i ones = _mm256_set1_epi16(1);
    return {_mm256_madd_epi16(sum.low, ones), _mm256_madd_epi16(sum.high, ones)};
  }

  struct Group {
    __m256i at[4];
  };
  static constexpr int64_t panel_place(int64_t panel) { return panel; }
  static Group load_group(const int16_t* from) {
    const auto load = [&](int i) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from) + i); };
    return {{load(0), load(1), load(2), load(3)}};
  }
  static void scale_group(const Group& gradients, const Group& factors, uint8_t* to) {
    const __m256i half_and_excess = _mm256_set1_epi16(static_cast<int16_t>((kQuadExcess << 8) + (1 << 7)));
    const auto scaled = [&](int i) __attribute__((always_inline)) {
      const __m256i product = _mm256_mulhrs_epi16(gradients.at[i], factors.at[i]);
      return _mm256_srli_epi16(_mm256_add_epi16(product, half_and_excess), 8);
    };
    auto* out = reinterpret_cast<__m256i*>(to);
    _mm256_store_si256(out, _mm256_packus_epi16(scaled(0), scaled(1)));
    _mm256_store_si256(out + 1, _mm256_packus_epi16(scaled(2), scaled(3)));
  }
  static Ints group_products(const Group& a, const Group& b) {
    const auto product = [&](int i) __attribute__((always_inline)) { return _mm256_madd_epi16(a.at[i], b.at[i]); };
    return {_mm256_add_epi32(product(0), product(1)), _mm256_add_epi32(product(2), product(3))};
  }

  static Floats zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Floats to_floats(Ints v) { return {_mm256_cvtepi32_ps(v.low), _mm256_cvtepi32_ps(v.high)}; }
  static Floats load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
  static Floats load_some(const float* from, int lanes) {
    if (lanes == kPanelRows) return load(from);
    return {_mm256_maskload_ps(from, first(lanes)), _mm256_maskload_ps(from + 8, first(lanes - 8))};
  }
  static Floats load_f16(const uint8_t* from) {
    const auto* halves = reinterpret_cast<const __m128i*>(from);
    return {_mm256_cvtph_ps(_mm_load_si128(halves)), _mm256_cvtph_ps(_mm_load_si128(halves + 1))};
  }
  static Floats load_bf16(const uint8_t* from) {
    const auto* halves = reinterpret_cast<const __m128i*>(from);
    const __m256i low = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_load_si128(halves)), 16);
    const __m256i high = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_load_si128(halves + 1)), 16);
    return {_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)};
  }
  static Floats broadcast(const float* from) {
    const __m256 v = _mm256_broadcast_ss(from);
    return {v, v};
  }
  static void store(float* to, Floats v) {
    _mm256_storeu_ps(to, v.low);
    _mm256_storeu_ps(to + 8, v.high);
  }
  static void store_some(float* to, Floats v, int lanes) {
    if (lanes == kPanelRows) return store(to, v);
    _mm256_maskstore_ps(to, first(lanes), v.low);
    _mm256_maskstore_ps(to + 8, first(lanes - 8), v.high);
  }
  static Floats negate(Floats v) {
    const __m256 sign = _mm256_set1_ps(-0.0F);
    return {_mm256_xor_ps(v.low, sign), _mm256_xor_ps(v.high, sign)};
  }
  static Floats add(Floats a, Floats b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
  static Floats sub(Floats a, Floats b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
  static Floats mul(Floats a, Floats b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
  static Floats fma(Floats a, Floats b, Floats c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }

  static void transpose(const float* in, float* out) {
    for (int i = 0; i < kPanelRows; i += 8) {
      for (int j = 0; j < kPanelRows; j += 8) transpose_8x8(in + i * kPanelRows + j, out + j * kPanelRows + i);
    }
  }

 protected:
  // How many of `vectors` products add up in 16 bits: each is at most 127 * 2 * max_code, their sum below 2^15.
  static constexpr int dot_run(int max_code, int vectors) {
    const int fit = max_code == 255 ? 1 : 32767 / (127 * 2 * max_code);
    return fit >= vectors ? vectors : fit >= 4 ? 4 : fit >= 2 ? 2 : 1;
  }
  static __m128i load_half(const uint8_t* from) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)); }
  // A mask of the first `lanes` of 8; any number.
  static __m256i first(int lanes) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  // Loaded where it is used: g++ would keep the words of one half for the other one, in memory.
  static __m256i broadcast_word(const int8_t* from) {
    __m256i word;
    asm volatile("vpbroadcastd %1, %0" : "=x"(word) : "m"(*reinterpret_cast<const int32_t*>(from)));
    return word;
  }
  // A value in its register: g++ would load it from memory again for each token.
  static __m256i kept(__m256i v) {
    asm volatile("" : "+x"(v));
    return v;
  }
  // add(n, code, word) for each vector of codes and each of N tokens, whose 4 activations fill `word`.
  template <int kFirst, int kVectors, int N, typename Codes, typename F>
  [[gnu::always_inline]] static void each_product(const Codes& codes, const int8_t* a, int64_t stride, const F& add) {
#pragma GCC unroll 8
    for (int i = kFirst; i < kFirst + kVectors; ++i) {
      const Bytes code = {kept(codes[i].low), kept(codes[i].high)};
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) add(n, code, broadcast_word(a + i * stride + 4 * n));
    }
  }
  static __m256i& half(Bytes& v, int which) { return which == 0 ? v.low : v.high; }
  static __m256i half(const Bytes& v, int which) { return which == 0 ? v.low : v.high; }

  // `dot` for kCount halves of the rows from kHalf on.
  template <int kFirst, int kVectors, int kRun, int kMaxCode, bool kFresh, int kHalf, int kCount, int N, typename Codes>
  [[gnu::always_inline]] static void dot_halves(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride,
                                                const Bytes& factors) {
#pragma GCC unroll 8
    for (int i = kFirst; i < kFirst + kVectors; i += kRun) {
      __m256i pairs[N][kCount];
#pragma GCC unroll 8
      for (int j = i; j < i + kRun; ++j) {
        // Half by half: of a copy of both, g++ would keep all vectors for the next tokens, on the stack.
        __m256i code[kCount];
#pragma GCC unroll 2
        for (int h = 0; h < kCount; ++h) code[h] = kept(half(codes[j], kHalf + h));
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
          const __m256i word = broadcast_word(a + j * stride + 4 * n);
#pragma GCC unroll 2
          for (int h = 0; h < kCount; ++h) {
            if (j == i) {
              pairs[n][h] = first_product<kMaxCode>(code[h], word);
            } else {
              add_product(pairs[n][h], code[h], word);
            }
          }
        }
      }
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) {
#pragma GCC unroll 2
        for (int h = 0; h < kCount; ++h) {
          const __m256i by = half(factors, kHalf + h);
          if (kFresh && i == kFirst) {
            half(sum[n], kHalf + h) = _mm256_madd_epi16(pairs[n][h], by);
          } else {
            add_pairs(half(sum[n], kHalf + h), pairs[n][h], by);
          }
        }
      }
    }
  }

  template <int kMaxCode>
  static __m256i first_product(__m256i code, __m256i word) {
    if constexpr (kMaxCode == 255) {  // signed: |code| <= 128, so a pair's sum is at most 2 * 128 * 127 < 2^15
      return _mm256_maddubs_epi16(_mm256_abs_epi8(code), _mm256_sign_epi8(word, code));
    } else {
      return _mm256_maddubs_epi16(code, word);
    }
  }
  // One statement for two instructions: g++ would hoist the products of several vectors and spill them.
  static void add_product(__m256i& sum, __m256i code, __m256i word) {
    __m256i product;
    asm("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(code), "x"(word));
  }
  static void add_pair_product(__m256i& sum, __m256i pairs, __m256i word) {
    __m256i product;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(pairs), "x"(word));
  }
  static void add_pairs(__m256i& sum, __m256i pairs, __m256i factors) {
    asm("vpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "+x"(pairs) : "x"(factors));
  }

  static void transpose_8x8(const float* in, float* out) {
    __m256 pair[8];
    __m256 quad[8];
    for (int g = 0; g < 8; g += 2) {
      const __m256 a = _mm256_loadu_ps(in + g * kPanelRows);
      const __m256 b = _mm256_loadu_ps(in + (g + 1) * kPanelRows);
      pair[g] = _mm256_unpacklo_ps(a, b);
      pair[g + 1] = _mm256_unpackhi_ps(a, b);
    }
    for (int g = 0; g < 8; g += 4) {
      quad[g] = _mm256_shuffle_ps(pair[g], pair[g + 2], 0x44);
      quad[g + 1] = _mm256_shuffle_ps(pair[g], pair[g + 2], 0xEE);
      quad[g + 2] = _mm256_shuffle_ps(pair[g + 1], pair[g + 3], 0x44);
      quad[g + 3] = _mm256_shuffle_ps(pair[g + 1], pair[g + 3], 0xEE);
    }
    for (int i = 0; i < 4; ++i) {
      _mm256_storeu_ps(out + i * kPanelRows, _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x20));
      _mm256_storeu_ps(out + (i + 4) * kPanelRows, _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x31));
    }
  }
};

}  // namespace
}  // namespace patina::kernels
