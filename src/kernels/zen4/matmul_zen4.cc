#include "kernels/generic/matmul_table.h"
#include "kernels/levels.h"
#include "kernels/zen4/isa_zen4.h"

namespace patina::kernels {

const MatmulKernels kMatmulZen4 = kMatmulTable<Zen4Isa>;

}  // namespace patina::kernels
