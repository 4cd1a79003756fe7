#include "kernels/avxvnni_emulated.h"

#include <immintrin.h>

#include "kernels/avxvnni/isa_avxvnni.h"
#include "kernels/emulated_products.h"
#include "kernels/generic/matmul_table.h"

namespace patina::kernels {
namespace {

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
