#pragma once

#include "quant/blocks.h"

// From weights to single blocks: for every quantized type the block with a small squared error of Block::kElements
// weights, each finite and at most kLargestWeight. Where a weight is too large for the type, the block's f16 scales
// overflow to infinity, and the caller refuses it. Internal to this folder.
namespace patina::quant {

void encode(const float* x, BlockQ4_0& block);
void encode(const float* x, BlockQ4_1& block);
void encode(const float* x, BlockQ5_0& block);
void encode(const float* x, BlockQ5_1& block);
void encode(const float* x, BlockQ8_0& block);
void encode(const float* x, BlockIQ4_NL& block);
void encode(const float* x, BlockQ2_K& block);
void encode(const float* x, BlockQ3_K& block);
void encode(const float* x, BlockQ4_K& block);
void encode(const float* x, BlockQ5_K& block);
void encode(const float* x, BlockQ6_K& block);

}  // namespace patina::quant
