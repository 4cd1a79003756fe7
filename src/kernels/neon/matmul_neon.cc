#include "kernels/generic/matmul_table.h"
#include "kernels/levels.h"
#include "kernels/neon/isa_neon.h"

namespace patina::kernels {

const MatmulKernels kMatmulNeon = kMatmulTable<NeonIsa>;

}  // namespace patina::kernels
