#pragma once

#include <cstdint>

#include "kernels/generic/tiles.h"

namespace patina::kernels {
namespace {

// The instructions of AMX on tile registers. In assembly, as the numbers of registers are part of an instruction and
// g++ 12's intrinsics take them only as written digits.
struct AmxTiles {
  static void configure(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes)); }
  // Gives the registers back, so that the system need not save them when it switches threads.
  static void release() { asm volatile("tilerelease"); }

  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  // A row of the tile from each `stride` bytes.
  template <int kTile>
  static void load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  static void store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  // kSum += kLeft times kRight, which are such factors as generic/tiles.h has them.
  template <int kSum, int kLeft, int kRight>
  static void multiply_bf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
  }
};

}  // namespace
}  // namespace patina::kernels
