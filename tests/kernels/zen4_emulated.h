#pragma once

#include "kernels/kv_tile.h"
#include "kernels/matmul.h"

// The pairs of columns and the products of bf16 of the Zen 4 level for processors without AVX-512: the loops of
// generic/ that the level has, over vectors of AVX2, which the processor must have.
namespace patina::kernels::testing {

extern const MatmulKernels kMatmulZen4Emulated;
extern const KvTileKernels kKvTileZen4Emulated;

}  // namespace patina::kernels::testing
