#include <immintrin.h>

#include <cstdint>

#include "base/half.h"
#include "kernels/avx512/bf16.h"
#include "kernels/avx512/vec_avx512.h"
#include "kernels/generic/kv_tile.h"
#include "kernels/levels.h"

namespace patina::kernels {
namespace {

// Both factors in bf16, two of each in one product, which the processor makes as fast as one product of floats.
struct Bf16Products {
  using Vec = Avx512Vec;
  using Factor = uint32_t;
  using Columns = __m512i;
  static constexpr int64_t kDepths = 2;

  class Factors {
   public:
    Rows<const uint32_t> of(Rows<const float> rows, int64_t m, int64_t depth) {
      for (int64_t i = 0; i < m; ++i) {
        const float* from = rows.row(i);
        uint32_t* to = pairs_ + i * kStride;
        int64_t p = 0;
        for (; p + kStep <= depth; p += kStep)
          store(to + p / 2, Vec::load(from + p), Vec::load(from + p + Vec::kWidth));
        if (p < depth) {
          const auto some = [&](int64_t first) {
            return Vec::load_some(from + first, static_cast<int>(std::clamp<int64_t>(depth - first, 0, Vec::kWidth)));
          };
          store(to + p / 2, some(p), some(p + Vec::kWidth));
        }
      }
      return {pairs_, kStride};
    }

   private:
    static constexpr int64_t kStep = 2 * Vec::kWidth;
    static constexpr int64_t kStride = kDepthRun / kDepths;
    static void store(uint32_t* to, __m512 first, __m512 second) { _mm512_store_si512(to, bf16_vector(first, second)); }
    alignas(64) uint32_t pairs_[kKvRows * kStride];
  };

  static float factor(float x) { return to_f32(to_bf16(x)); }
  static Columns columns(const __m512* columns) { return bf16_in_turns(columns[0], columns[1]); }
  static __m512 add_products(__m512 sum, Columns columns, const uint32_t* factor) {
    // What _mm512_dpbf16_ps and _mm512_set1_epi32 are, which g++ makes two instructions of.
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(columns), "m"(*factor));
    return sum;
  }
};

}  // namespace

const KvTileKernels kKvTileZen4 = kKvTileTable<Bf16Products>;

}  // namespace patina::kernels
