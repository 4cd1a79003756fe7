#include "kernels/avxvnni_emulated.h"

#include <immintrin.h>

#include "kernels/avxvnni/isa_avxvnni.h"
#include "kernels/generic/matmul_table.h"

namespace patina::kernels {
namespace {

// AvxVnniProducts, exactly: products of 16 bits each, whose sums in pairs fit 32.
struct EmulatedProducts {
  static __m256i add_bytes(__m256i sum, __m256i codes, __m256i factors) {
    const __m256i even_codes = _mm256_and_si256(codes, _mm256_set1_epi16(255));
    const __m256i even_factors = _mm256_srai_epi16(_mm256_slli_epi16(factors, 8), 8);
    const __m256i even = _mm256_madd_epi16(even_codes, even_factors);
    const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(codes, 8), _mm256_srai_epi16(factors, 8));
    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
  }
  static __m256i add_pairs(__m256i sum, __m256i pairs, __m256i factors) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, factors));
  }
};

struct EmulatedIsa : VnniIsa<EmulatedProducts> {};

__m256i load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
void store(int32_t* to, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }

}  // namespace

namespace testing {

const MatmulKernels kMatmulAvxVnniEmulated = kMatmulTable<EmulatedIsa>;

void emulated_add_bytes(int32_t (&sum)[8], const uint8_t (&codes)[32], const int8_t (&factors)[32]) {
  store(sum, EmulatedProducts::add_bytes(load(sum), load(codes), load(factors)));
}

void emulated_add_pairs(int32_t (&sum)[8], const int16_t (&pairs)[16], const int16_t (&factors)[16]) {
  store(sum, EmulatedProducts::add_pairs(load(sum), load(pairs), load(factors)));
}

}  // namespace testing
}  // namespace patina::kernels
