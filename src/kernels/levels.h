#pragma once

#include "kernels/kv_tile.h"
#include "kernels/matmul.h"
#include "kernels/peak.h"
#include "kernels/vector.h"

// The levels' parts of the kernel tables, each defined in the level's own translation units. Which of them a program
// holds depends on the architecture it is built for (see CMakeLists.txt); kernels/dispatch.cc puts them together.
namespace patina::kernels {

extern const MatmulKernels kMatmulScalar;
extern const MatmulKernels kMatmulAvx2;
extern const MatmulKernels kMatmulAvxVnni;
extern const MatmulKernels kMatmulAvx512;
extern const MatmulKernels kMatmulZen4;
extern const MatmulKernels kMatmulAmx;
extern const MatmulKernels kMatmulNeon;

extern const VectorKernels kVectorScalar;
extern const VectorKernels kVectorAvx2;
extern const VectorKernels kVectorAvx512;
extern const VectorKernels kVectorNeon;

extern const KvTileKernels kKvTileScalar;
extern const KvTileKernels kKvTileScalarBf16;  // the specification of kKvTileZen4
extern const KvTileKernels kKvTileAvx2;
extern const KvTileKernels kKvTileAvx512;
extern const KvTileKernels kKvTileZen4;
extern const KvTileKernels kKvTileNeon;

extern const PeakKernels kPeakAvx2;
extern const PeakKernels kPeakAvxVnni;
extern const PeakKernels kPeakAvx512;
extern const PeakKernels kPeakAmx;
extern const PeakKernels kPeakNeon;

}  // namespace patina::kernels
