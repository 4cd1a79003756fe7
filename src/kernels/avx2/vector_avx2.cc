#include "kernels/avx2/vec_avx2.h"
#include "kernels/generic/vector_table.h"
#include "kernels/levels.h"

namespace patina::kernels {

const VectorKernels kVectorAvx2 = kVectorTable<Avx2Vec>;

}  // namespace patina::kernels
