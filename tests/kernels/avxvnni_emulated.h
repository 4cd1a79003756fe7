#pragma once

#include <cstdint>

#include "kernels/matmul.h"

// The AVX-VNNI level for processors without it: the level's own source, its two instructions put together from several
// of AVX2, which the processor must have.
namespace patina::kernels::testing {

extern const MatmulKernels kMatmulAvxVnniEmulated;

// The two by themselves, on one register.
void emulated_add_bytes(int32_t (&sum)[8], const uint8_t (&codes)[32], const int8_t (&factors)[32]);
void emulated_add_pairs(int32_t (&sum)[8], const int16_t (&pairs)[16], const int16_t (&factors)[16]);

}  // namespace patina::kernels::testing
