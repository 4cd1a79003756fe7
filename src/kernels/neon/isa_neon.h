#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "kernels/packed_layout.h"
#include "kernels/prefetch.h"

// The vectors of kernels/scalar/isa_scalar.h as four 128-bit registers: rows 0..3, 4..7, 8..11, 12..15.
namespace patina::kernels {
namespace {

struct NeonIsa {
  struct Bytes {
    uint8x16_t part[4];
  };
  struct Ints {
    int32x4_t part[4];
  };
  struct Floats {
    float32x4_t part[4];
  };
  // 24 sums, 4 weights and a broadcast in 32 registers.
  static constexpr int kFloatTile = 6;
  static constexpr int kPairTile = 4;
  // 16 sums, 4 weights and a broadcast.
  static constexpr int kQuadTile = 4;
  static constexpr int quad_run(int /*code_bits*/) { return 16; }
  static constexpr uint8_t kQuadExcess = 0;  // products of signed bytes
  static constexpr Prefetch prefetch(int /*low_bits*/, int /*tokens*/) { return {4096, 1}; }
  static constexpr bool kInlineCodes = true;
  static constexpr bool kSignedBytes = true;
  static constexpr bool kWholeFactors = false;
  static constexpr bool kIntegerStarts = false;
  static constexpr bool kPairStarts = false;
  static constexpr bool kPairsColumns = false;
  // 16 sums, 4 weights and 4 broadcasts in 32 registers.
  static constexpr int dot_tokens(int /*max_code*/, int /*added*/) { return 4; }

  template <typename Out, typename F>
  [[gnu::always_inline]] static Out each(const F& f) {
    return {{f(0), f(1), f(2), f(3)}};
  }

  static Bytes load_bytes(const uint8_t* from) {
    return each<Bytes>([&](int i) { return vld1q_u8(from + 16 * i); });
  }
  static Bytes mask(Bytes v, uint8_t m) {
    return each<Bytes>([&](int i) { return vandq_u8(v.part[i], vdupq_n_u8(m)); });
  }
  template <int kBits>
  static Bytes shift_left(Bytes v) {
    return each<Bytes>([&](int i) { return vshlq_n_u8(v.part[i], kBits); });
  }
  template <int kBits>
  static Bytes shift_right(Bytes v) {
    return each<Bytes>([&](int i) { return vshrq_n_u8(v.part[i], kBits); });
  }
  static Bytes merge(Bytes a, Bytes b) {
    return each<Bytes>([&](int i) { return vorrq_u8(a.part[i], b.part[i]); });
  }
  static Bytes look_up(Bytes indices) {
    const uint8x16_t table = vld1q_u8(kTableCodes);
    return each<Bytes>([&](int i) { return vqtbl1q_u8(table, indices.part[i]); });
  }
  static Bytes to_signed(Bytes v) {
    return each<Bytes>([&](int i) { return veorq_u8(v.part[i], vdupq_n_u8(0x80)); });
  }
  template <int kByte>
  static Ints byte(Bytes v) {
    return each<Ints>([&](int i) {
      const uint32x4_t word = vshrq_n_u32(vshlq_n_u32(vreinterpretq_u32_u8(v.part[i]), 24 - 8 * kByte), 24);
      return vreinterpretq_s32_u32(word);
    });
  }

  static Ints zero_ints() {
    return each<Ints>([](int) { return vdupq_n_s32(0); });
  }
  static Ints subtract(Ints v, int32_t amount) {
    return each<Ints>([&](int i) { return vsubq_s32(v.part[i], vdupq_n_s32(amount)); });
  }
  static Ints bits(Ints v, int shift, int32_t keep) {
    return each<Ints>([&](int i) { return vandq_s32(vshlq_s32(v.part[i], vdupq_n_s32(-shift)), vdupq_n_s32(keep)); });
  }
  static Ints six_bit(Ints low, Ints high) {
    return each<Ints>(
        [&](int i) { return vsubq_s32(vorrq_s32(low.part[i], vshlq_n_s32(high.part[i], 4)), vdupq_n_s32(32)); });
  }
  static Ints load_u8(const uint8_t* from) {
    const uint8x16_t bytes = vld1q_u8(from);
    const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
    const uint16x8_t high = vmovl_u8(vget_high_u8(bytes));
    return {{vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(low))),
             vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high))),
             vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(high)))}};
  }
  static Ints load_i8(const uint8_t* from) {
    const int8x16_t bytes = vreinterpretq_s8_u8(vld1q_u8(from));
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
    const int16x8_t high = vmovl_s8(vget_high_s8(bytes));
    return {{vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)), vmovl_s16(vget_low_s16(high)),
             vmovl_s16(vget_high_s16(high))}};
  }
  template <int kFirst, int kVectors, int kMaxCode, bool kFresh, int N, typename Codes>
  [[gnu::always_inline]] static void dot(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride) {
    if constexpr (kFresh) {
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[n] = zero_ints();
    }
#pragma GCC unroll 8
    for (int i = kFirst; i < kFirst + kVectors; ++i) {
      const Bytes vector = codes[i];
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) {
        int32_t word = 0;
        __builtin_memcpy(&word, a + i * stride + 4 * n, sizeof(word));
        const int8x16_t factor = vreinterpretq_s8_s32(vdupq_n_s32(word));
#pragma GCC unroll 4
        for (int p = 0; p < 4; ++p) {
          sum[n].part[p] = vdotq_s32(sum[n].part[p], vreinterpretq_s8_u8(vector.part[p]), factor);
        }
      }
    }
  }

  static void add_pair_products(Ints& sum, const Bytes& pairs, const int16_t* factors) {
    int32_t word = 0;
    __builtin_memcpy(&word, factors, sizeof(word));
    const int16x8_t factor = vreinterpretq_s16_s32(vdupq_n_s32(word));
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) {
      const int16x8_t pair = vreinterpretq_s16_u8(pairs.part[p]);
      const int32x4_t low = vmull_s16(vget_low_s16(pair), vget_low_s16(factor));
      sum.part[p] = vaddq_s32(sum.part[p], vpaddq_s32(low, vmull_high_s16(pair, factor)));
    }
  }

  struct PairFactors {
    int16x8_t pair[kPanelRows / 2];
  };
  static PairFactors load_pair_factors(const int16_t* from) {
    PairFactors out;
    for (int p = 0; p < kPanelRows / 2; ++p) {
      int32_t word = 0;
      __builtin_memcpy(&word, from + 2 * p, sizeof(word));
      out.pair[p] = vreinterpretq_s16_s32(vdupq_n_s32(word));
    }
    return out;
  }
  template <int kShift>
  static void store_pairs(Bytes codes, const PairFactors& factors, const PairFactors& offsets, int16_t* to) {
    constexpr uint8_t kOrder[16] = {0, 4,  1, 5,  2,  6,  3,  7,
                                    8, 12, 9, 13, 10, 14, 11, 15};  // bytes of two rows alternate
    const uint8x16_t order = vld1q_u8(kOrder);
    const auto store = [&](uint8x8_t bytes, int pair) {
      const int16x8_t code = vreinterpretq_s16_u16(vshlq_n_u16(vmovl_u8(bytes), kShift));
      const int16x8_t product = vqrdmulhq_s16(code, factors.pair[pair]);
      vst1q_s16(to + pair * 2 * kPanelRows, vshrq_n_s16(vsubq_s16(product, offsets.pair[pair]), 2));
    };
    for (int i = 0; i < 4; ++i) {
      const uint8x16_t bytes = vqtbl1q_u8(codes.part[i], order);
      store(vget_low_u8(bytes), 2 * i);
      store(vget_high_u8(bytes), 2 * i + 1);
    }
  }

  static void store_quads(Bytes codes, int8_t zero, int8_t* to) {
    constexpr uint8_t kOrder[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const uint8x16_t order = vld1q_u8(kOrder);
    for (int i = 0; i < 4; ++i) {
      const int8x16_t quad = vreinterpretq_s8_u8(vqtbl1q_u8(codes.part[i], order));
      vst1q_s8(to + (i / 2 * 4 + i % 2) * kVectorBytes, vsubq_s8(quad, vdupq_n_s8(zero)));
    }
  }
  static void add_quad_products(Ints& sum, const Bytes& weights, const uint8_t* quad) {
    uint32_t word = 0;
    __builtin_memcpy(&word, quad, sizeof(word));
    const int8x16_t factor = vreinterpretq_s8_u32(vdupq_n_u32(word));
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) sum.part[p] = vdotq_s32(sum.part[p], vreinterpretq_s8_u8(weights.part[p]), factor);
  }
  static Ints load_quad_sums(const uint8_t* from) {
    return each<Ints>([&](int i) { return vreinterpretq_s32_u8(vld1q_u8(from + 16 * i)); });
  }
  static void store_negated_quads(Ints sum, uint8_t* to) {
    for (int i = 0; i < 4; ++i) vst1q_u8(to + 16 * i, vreinterpretq_u8_s32(vnegq_s32(sum.part[i])));
  }
  static Ints quad_totals(Ints sum) { return sum; }

  struct Group {
    int16x8_t half[8];
  };
  static constexpr int64_t panel_place(int64_t panel) { return panel; }
  static Group load_group(const int16_t* from) {
    Group out;
    for (int i = 0; i < 8; ++i) out.half[i] = vld1q_s16(from + 8 * i);
    return out;
  }
  static void scale_group(const Group& gradients, const Group& factors, uint8_t* to) {
    const auto scaled = [&](int i) { return vrshrn_n_s16(vqrdmulhq_s16(gradients.half[i], factors.half[i]), 8); };
    for (int i = 0; i < 4; ++i) {  // 8 rows of one panel, then of the next
      const int first = i / 2 * 4 + i % 2;
      vst1q_u8(to + 16 * i, vreinterpretq_u8_s8(vcombine_s8(scaled(first), scaled(first + 2))));
    }
  }
  static Ints group_products(const Group& a, const Group& b) {
    Ints sum = zero_ints();
    for (int i = 0; i < 8; i += 2) {
      sum.part[0] = vmlal_s16(sum.part[0], vget_low_s16(a.half[i]), vget_low_s16(b.half[i]));
      sum.part[1] = vmlal_high_s16(sum.part[1], a.half[i], b.half[i]);
      sum.part[2] = vmlal_s16(sum.part[2], vget_low_s16(a.half[i + 1]), vget_low_s16(b.half[i + 1]));
      sum.part[3] = vmlal_high_s16(sum.part[3], a.half[i + 1], b.half[i + 1]);
    }
    return sum;
  }

  static Floats zero() {
    return each<Floats>([](int) { return vdupq_n_f32(0.0F); });
  }
  static Floats to_floats(Ints v) {
    return each<Floats>([&](int i) { return vcvtq_f32_s32(v.part[i]); });
  }
  static Floats load(const float* from) {
    return each<Floats>([&](int i) { return vld1q_f32(from + 4 * i); });
  }
  static Floats load_some(const float* from, int lanes) {
    if (lanes == kPanelRows) return load(from);
    float whole[kPanelRows] = {};
    for (int r = 0; r < lanes; ++r) whole[r] = from[r];
    return load(whole);
  }
  static Floats load_f16(const uint8_t* from) {
    return each<Floats>([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(from + 8 * i))); });
  }
  static Floats load_bf16(const uint8_t* from) {
    return each<Floats>(
        [&](int i) { return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(from + 8 * i)), 16)); });
  }
  static Floats broadcast(const float* from) {
    return each<Floats>([&](int) { return vld1q_dup_f32(from); });
  }
  static void store(float* to, Floats v) {
    for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, v.part[i]);
  }
  static void store_some(float* to, Floats v, int lanes) {
    if (lanes == kPanelRows) return store(to, v);
    float whole[kPanelRows];
    store(whole, v);
    for (int r = 0; r < lanes; ++r) to[r] = whole[r];
  }
  static Floats negate(Floats v) {
    return each<Floats>([&](int i) { return vnegq_f32(v.part[i]); });
  }
  static Floats add(Floats a, Floats b) {
    return each<Floats>([&](int i) { return vaddq_f32(a.part[i], b.part[i]); });
  }
  static Floats sub(Floats a, Floats b) {
    return each<Floats>([&](int i) { return vsubq_f32(a.part[i], b.part[i]); });
  }
  static Floats mul(Floats a, Floats b) {
    return each<Floats>([&](int i) { return vmulq_f32(a.part[i], b.part[i]); });
  }
  static Floats fma(Floats a, Floats b, Floats c) {
    return each<Floats>([&](int i) { return vfmaq_f32(c.part[i], a.part[i], b.part[i]); });
  }

  static void transpose(const float* in, float* out) {
    for (int k = 0; k < kPanelRows; k += 4) {
      for (int r = 0; r < kPanelRows; r += 4) {
        // An interleaving load of four, over rows brought together first, is a 4 x 4 transpose.
        float block[16];
        for (int i = 0; i < 4; ++i) vst1q_f32(block + 4 * i, vld1q_f32(in + (k + i) * kPanelRows + r));
        const float32x4x4_t columns = vld4q_f32(block);
        for (int i = 0; i < 4; ++i) vst1q_f32(out + (r + i) * kPanelRows + k, columns.val[i]);
      }
    }
  }
};

}  // namespace
}  // namespace patina::kernels
