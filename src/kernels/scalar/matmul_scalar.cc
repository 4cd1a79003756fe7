#include "kernels/generic/matmul_table.h"
#include "kernels/levels.h"
#include "kernels/scalar/isa_scalar.h"

namespace patina::kernels {

const MatmulKernels kMatmulScalar = kMatmulTable<ScalarIsa>;

}  // namespace patina::kernels
