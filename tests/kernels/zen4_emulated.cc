#include "kernels/zen4_emulated.h"

#include <immintrin.h>

#include "kernels/avxvnni/isa_avxvnni.h"
#include "kernels/emulated_products.h"
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

}  // namespace

const MatmulKernels testing::kMatmulZen4Emulated = kMatmulTable<EmulatedIsa>;

}  // namespace patina::kernels
