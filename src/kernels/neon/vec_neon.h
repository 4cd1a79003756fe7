#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "base/half.h"

namespace patina::kernels {
namespace {

// Four floats; the vector type of generic/elementwise.h, generic/sgemm.h and generic/kv_tile.h.
struct NeonVec {
  using F = float32x4_t;
  static constexpr int kWidth = 4;
  // 24 sums, 4 vectors of B and broadcasts in 32 registers.
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;

  static F set(float v) { return vdupq_n_f32(v); }
  static F load(const float* from) { return vld1q_f32(from); }
  static F load_some(const float* from, int lanes) {
    float whole[kWidth] = {};
    for (int i = 0; i < lanes; ++i) whole[i] = from[i];
    return load(whole);
  }
  static void store(float* to, F v) { vst1q_f32(to, v); }
  static void store_some(float* to, F v, int lanes) {
    float whole[kWidth];
    store(whole, v);
    for (int i = 0; i < lanes; ++i) to[i] = whole[i];
  }
  static F select_first(F v, F other, int lanes) {
    const int32_t indices[kWidth] = {0, 1, 2, 3};
    return vbslq_f32(vcltq_s32(vld1q_s32(indices), vdupq_n_s32(lanes)), v, other);
  }

  static F add(F a, F b) { return vaddq_f32(a, b); }
  static F sub(F a, F b) { return vsubq_f32(a, b); }
  static F mul(F a, F b) { return vmulq_f32(a, b); }
  static F div(F a, F b) { return vdivq_f32(a, b); }
  static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static F min(F a, F b) { return vminq_f32(a, b); }
  static F max(F a, F b) { return vmaxq_f32(a, b); }
  static F round(F v) { return vrndnq_f32(v); }
  // v * 2^n for whole n in -151..129, in two steps so that either end rounds or overflows as a product does.
  static F scale_by_power_of_2(F v, F n) {
    const int32x4_t whole = vcvtq_s32_f32(n);
    const int32x4_t half = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(v, power_of_2(half)), power_of_2(vsubq_s32(whole, half)));
  }

  static float reduce_add(F v) { return vaddvq_f32(v); }
  static float reduce_max(F v) { return vmaxvq_f32(v); }

  // a0 b0 a1 b1 ... and its inverse.
  static F zip_low(F a, F b) { return vzip1q_f32(a, b); }
  static F zip_high(F a, F b) { return vzip2q_f32(a, b); }
  static F even(F low, F high) { return vuzp1q_f32(low, high); }
  static F odd(F low, F high) { return vuzp2q_f32(low, high); }

  static F load_half(const f16* from) { return vcvt_f32_f16(vreinterpret_f16_u16(load_16_bits(from))); }
  static F load_signed_bytes(const std::byte* from) {
    int8_t codes[8] = {};
    __builtin_memcpy(codes, from, kWidth);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(codes)))));
  }
  static void store_half(f16* to, F v) { store_16_bits(to, vreinterpret_u16_f16(vcvt_f16_f32(v))); }

 private:
  static F power_of_2(int32x4_t n) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23)); }
  static uint16x4_t load_16_bits(const void* from) {
    uint16x4_t bits;
    __builtin_memcpy(&bits, from, sizeof(bits));
    return bits;
  }
  static void store_16_bits(void* to, uint16x4_t bits) { __builtin_memcpy(to, &bits, sizeof(bits)); }
};

}  // namespace
}  // namespace patina::kernels
