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
    Rows<const Factor> convert(Rows<const float> rows, int64_t m, int64_t depth) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t p = 0; p < depth; p += kStep) {
          const auto some = [&](int64_t first) {
            return Vec::load_some(rows.row(i) + first, lanes_before(first, depth));
          };
          _mm512_store_si512(pairs_ + i * kStride + p / kDepths, bf16_vector(some(p), some(p + Vec::kWidth)));
        }
      }
      return {pairs_, kStride};
    }

   private:
    static constexpr int64_t kStep = kDepths * Vec::kWidth;
    static constexpr int64_t kStride = kDepthRun / kDepths;
    static_assert(kDepthRun % kStep == 0);
    alignas(64) Factor pairs_[kKvRows * kStride];
  };

  static Columns join(const __m512* vectors) { return bf16_in_turns(vectors[0], vectors[1]); }
  static __m512 add_products(__m512 sum, Columns columns, const Factor* factor) {
    // What _mm512_dpbf16_ps and _mm512_set1_epi32 are, which g++ makes two instructions of.
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(columns), "m"(*factor));
    return sum;
  }
  static float rounded(float x) { return to_f32(to_bf16(x)); }
};

}  // namespace

const KvTileKernels kKvTileZen4 = kKvTileTable<Bf16Products>;

}  // namespace patina::kernels
