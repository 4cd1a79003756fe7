#include "kernels/avx2/peak_avx2.h"

#include "kernels/avx2/vec_avx2.h"
#include "kernels/generic/peak.h"
#include "kernels/levels.h"

namespace patina::kernels {
namespace {

// vpmaddubsw with sums of 16 bits; the wider sums that now and then follow it are left out.
struct ByteUnit : ByteVectors {
  static void multiply_add(Vector& sum, Vector a, Vector b) {
    // The compiler would form the product, always the same one, only once.
    Vector product;
    asm("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(a), "x"(b));
  }
};

// vpmaddwd with sums of 32 bits.
struct PairUnit : PairVectors {
  static void multiply_add(Vector& sum, Vector a, Vector b) {
    Vector product;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(a), "x"(b));
  }
};

}  // namespace

const PeakKernels kPeakAvx2 = {.f32 = peak<FloatUnit<Avx2Vec>>, .int8 = peak<ByteUnit>, .int16 = peak<PairUnit>};

}  // namespace patina::kernels
