#include "kernels/avxvnni/isa_avxvnni.h"
#include "kernels/avxvnni/products_avxvnni.h"
#include "kernels/generic/matmul_table.h"
#include "kernels/levels.h"

namespace patina::kernels {
namespace {

struct AvxVnniIsa : VnniIsa<AvxVnniProducts> {};

}  // namespace

const MatmulKernels kMatmulAvxVnni = kMatmulTable<AvxVnniIsa>;

}  // namespace patina::kernels
