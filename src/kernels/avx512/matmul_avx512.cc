#include "kernels/avx512/isa_avx512.h"
#include "kernels/generic/matmul_table.h"
#include "kernels/levels.h"

namespace patina::kernels {

const MatmulKernels kMatmulAvx512 = kMatmulTable<Avx512Isa>;

}  // namespace patina::kernels
