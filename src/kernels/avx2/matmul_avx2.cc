#include "kernels/avx2/isa_avx2.h"
#include "kernels/generic/matmul_table.h"
#include "kernels/levels.h"

namespace patina::kernels {

const MatmulKernels kMatmulAvx2 = kMatmulTable<Avx2Isa>;

}  // namespace patina::kernels
