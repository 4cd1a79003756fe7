#include "kernels/avx2/peak_avx2.h"
#include "kernels/avx2/vec_avx2.h"
#include "kernels/avxvnni/products_avxvnni.h"
#include "kernels/generic/peak.h"
#include "kernels/levels.h"

namespace patina::kernels {
namespace {

struct ByteUnit : ByteVectors {
  static void multiply_add(Vector& sum, Vector a, Vector b) { sum = AvxVnniProducts::add_bytes(sum, a, b); }
};

struct PairUnit : PairVectors {
  static void multiply_add(Vector& sum, Vector a, Vector b) { sum = AvxVnniProducts::add_pairs(sum, a, b); }
};

}  // namespace

const PeakKernels kPeakAvxVnni = {.f32 = peak<FloatUnit<Avx2Vec>>, .int8 = peak<ByteUnit>, .int16 = peak<PairUnit>};

}  // namespace patina::kernels
