#include "kernels/avx512/vec_avx512.h"
#include "kernels/generic/vector_table.h"
#include "kernels/levels.h"

namespace patina::kernels {

const VectorKernels kVectorAvx512 = kVectorTable<Avx512Vec>;

}  // namespace patina::kernels
