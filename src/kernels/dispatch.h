#pragma once

#include <string_view>
#include <vector>

#include "kernels/kv_tile.h"
#include "kernels/matmul.h"
#include "kernels/peak.h"
#include "kernels/vector.h"

namespace patina::kernels {

// Instruction-set levels, weakest first on each architecture.
//   kAvx2    AVX2 + FMA + F16C + BMI2
//   kAvxVnni AVX2 and the others as above, AVX-VNNI
//   kAvx512  AVX2 and the others as above, AVX-512 F, BW, VL, DQ and VNNI
//   kZen4    AVX-512 as above and BF16 on AMD's processors, Zen 4 and later, which add beside multiplying
//   kAmx     AVX-512 as above and BF16, AMX tiles of bf16, which the system lets the process use
//   kNeon    AArch64 with the dot-product extension
enum class Level { kScalar, kAvx2, kAvxVnni, kAvx512, kZen4, kAmx, kNeon };

// Everything the ops call, and the peaks to measure it by. `scalar` is the specification of all others, but for what
// AMX rounds to bf16 and zen4 to fewer steps (MatmulKernels) and to bf16 (KvTileKernels).
struct Kernels {
  Level level;
  std::string_view name;  // "scalar", "avx2", "avxvnni", "avx512", "zen4", "amx", "neon"
  MatmulKernels matmul;
  VectorKernels vector;
  KvTileKernels kv_tile;
  KvTileKernels kv_tile_f32;  // the same in f32 everywhere: for the precise path
  PeakKernels peak;
};

// The levels this program holds and this CPU can run, weakest first; kScalar is always one.
std::vector<Level> available_levels();

// The table of a level. Throws kUnsupported, naming the levels that would work, where the CPU lacks it.
const Kernels& kernels_for(Level level);

// The best available level, or the one that the environment variable PATINA_ISA names
// (scalar|avx2|avxvnni|avx512|zen4|amx|neon). Throws kInvalidArgument for another word, kUnsupported where the CPU
// lacks the level.
const Kernels& default_kernels();

}  // namespace patina::kernels
