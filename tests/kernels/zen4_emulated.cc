#include "kernels/zen4_emulated.h"

#include <immintrin.h>

#include "base/half.h"
#include "kernels/avx2/vec_avx2.h"
#include "kernels/avxvnni/isa_avxvnni.h"
#include "kernels/emulated_products.h"
#include "kernels/generic/kv_tile.h"
#include "kernels/generic/matmul_table.h"

namespace patina::kernels {
namespace {

struct EmulatedIsa : VnniIsa<EmulatedProducts> {
  static constexpr bool kPairsColumns = true;

  static Bytes broadcast_bytes(const int8_t* from) { return {broadcast_word(from), broadcast_word(from)}; }
  static Bytes add_bytes(const Bytes& a, const Bytes& b) {
    return {_mm256_add_epi8(a.low, b.low), _mm256_add_epi8(a.high, b.high)};
  }
  static Bytes add_to_bytes(const Bytes& v, int amount) {
    const __m256i by = _mm256_set1_epi8(static_cast<char>(amount));
    return add_bytes(v, {by, by});
  }
  static Ints add_ints(const Ints& a, const Ints& b) {
    return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
  }
  static Ints negate_ints(const Ints& v) {
    const __m256i none = _mm256_setzero_si256();
    return {_mm256_sub_epi32(none, v.low), _mm256_sub_epi32(none, v.high)};
  }
  static void add_byte_products(Ints& sum, const Bytes& a, const Bytes& b) {
    sum.low = EmulatedProducts::add_bytes(sum.low, a.low, b.low);
    sum.high = EmulatedProducts::add_bytes(sum.high, a.high, b.high);
  }
};

// Bf16Products. The instruction need not round its two additions as these are: processors differ.
struct EmulatedBf16Products {
  using Vec = Avx2Vec;
  static constexpr int64_t kDepths = 2;
  struct Factor {
    float of[kDepths];
  };
  struct Columns {
    __m256 of[kDepths];
  };

  class Factors {
   public:
    Rows<const Factor> convert(Rows<const float> rows, int64_t m, int64_t depth) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t p = 0; p < depth; p += kDepths) {
          const float second = p + 1 < depth ? rows.row(i)[p + 1] : 0.0F;
          factors_[i * kStride + p / kDepths] = {{rounded(rows.row(i)[p]), rounded(second)}};
        }
      }
      return {factors_, kStride};
    }

   private:
    static constexpr int64_t kStride = kDepthRun / kDepths;
    Factor factors_[kKvRows * kStride];
  };

  static float rounded(float x) { return to_f32(to_bf16(x)); }
  static __m256 rounded(__m256 v) {
    float numbers[Vec::kWidth];
    Vec::store(numbers, v);
    for (float& number : numbers) number = rounded(number);
    return Vec::load(numbers);
  }
  static Columns join(const __m256* vectors) { return {{rounded(vectors[0]), rounded(vectors[1])}}; }
  static __m256 add_products(__m256 sum, const Columns& columns, const Factor* factor) {
    sum = Vec::fma(Vec::set(factor->of[1]), columns.of[1], sum);
    return Vec::fma(Vec::set(factor->of[0]), columns.of[0], sum);
  }
};

}  // namespace

const KvTileKernels testing::kKvTileZen4Emulated = kKvTileTable<EmulatedBf16Products>;
const MatmulKernels testing::kMatmulZen4Emulated = kMatmulTable<EmulatedIsa>;

}  // namespace patina::kernels
