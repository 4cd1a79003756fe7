#include "kernels/generic/vector_table.h"
#include "kernels/levels.h"
#include "kernels/neon/vec_neon.h"

namespace patina::kernels {

const VectorKernels kVectorNeon = kVectorTable<NeonVec>;

}  // namespace patina::kernels
