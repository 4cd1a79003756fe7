#pragma once

#include <cstdint>

#include "kernels/matmul.h"

// The AMX level for processors without it: the source of its products over the scalar level's vectors and over tile
// registers in memory.
namespace patina::kernels::testing {

extern const MatmulKernels kMatmulAmxEmulated;

// What the instruction makes of sums[16][16] by itself: `left` is bf16[16][32], `right` bf16[16][16][2].
void emulated_multiply_bf16(float (&sums)[256], const uint16_t (&left)[512], const uint16_t (&right)[512]);

}  // namespace patina::kernels::testing
