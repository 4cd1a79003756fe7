#include <arm_neon.h>

#include "kernels/generic/peak.h"
#include "kernels/levels.h"
#include "kernels/neon/vec_neon.h"

namespace patina::kernels {
namespace {

// sdot.
struct ByteUnit {
  using Vector = int32x4_t;
  static constexpr int kProducts = 16;
  static constexpr int kSums = 24;
  static Vector set(int64_t value) { return vdupq_n_s32(static_cast<int32_t>(value)); }
  static void multiply_add(Vector& sum, Vector a, Vector b) {
    sum = vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
  }
};

// smlal.
struct PairUnit {
  using Vector = int32x4_t;
  static constexpr int kProducts = 4;
  static constexpr int kSums = 24;
  static Vector set(int64_t value) { return vdupq_n_s32(static_cast<int32_t>(value)); }
  static void multiply_add(Vector& sum, Vector a, Vector b) {
    sum = vmlal_s16(sum, vget_low_s16(vreinterpretq_s16_s32(a)), vget_low_s16(vreinterpretq_s16_s32(b)));
  }
};

}  // namespace

const PeakKernels kPeakNeon = {.f32 = peak<FloatUnit<NeonVec>>, .int8 = peak<ByteUnit>, .int16 = peak<PairUnit>};

}  // namespace patina::kernels
