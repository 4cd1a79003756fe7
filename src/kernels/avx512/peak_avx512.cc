#include "kernels/avx512/vec_avx512.h"
#include "kernels/generic/peak.h"
#include "kernels/levels.h"

namespace patina::kernels {
namespace {

// vpdpbusd.
struct ByteUnit {
  using Vector = __m512i;
  static constexpr int kProducts = 64;
  static constexpr int kSums = 24;
  static Vector set(int64_t value) { return _mm512_set1_epi8(static_cast<char>(value)); }
  static void multiply_add(Vector& sum, Vector a, Vector b) { sum = _mm512_dpbusd_epi32(sum, a, b); }
};

// vpdpwssd.
struct PairUnit {
  using Vector = __m512i;
  static constexpr int kProducts = 32;
  static constexpr int kSums = 24;
  static Vector set(int64_t value) { return _mm512_set1_epi16(static_cast<int16_t>(value)); }
  static void multiply_add(Vector& sum, Vector a, Vector b) { sum = _mm512_dpwssd_epi32(sum, a, b); }
};

}  // namespace

const PeakKernels kPeakAvx512 = {.f32 = peak<FloatUnit<Avx512Vec>>, .int8 = peak<ByteUnit>, .int16 = peak<PairUnit>};

}  // namespace patina::kernels
