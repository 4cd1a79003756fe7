#pragma once

#include <cstdint>

namespace patina::kernels {

// The most that one thread can multiply and add, to hold the products against: loops over registers alone, with enough
// sums side by side that none waits for another. Each runs `rounds` >= 1 of them and returns how many multiply-adds
// that was. Null at the scalar level, whose speed is the compiler's.
struct PeakKernels {
  int64_t (*f32)(int64_t rounds);  // fused multiply-adds
  // What matmul_rounded is made of for many tokens, and matmul_backward_rounded where backward_in_bytes(): products of
  // 8 bits, or of bf16. Where columns are multiplied in pairs, one of them serves two multiply-adds of matmul_rounded.
  int64_t (*int8)(int64_t rounds);
  int64_t (*int16)(int64_t rounds);  // what matmul_backward_rounded is made of else: products of 16 bits, or of bf16
};

}  // namespace patina::kernels
