// The types of 32 elements, one line a block.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "quant/codec.h"
#include "quant/encode.h"
#include "quant/fit.h"

namespace patina::quant {
namespace {

// The scale as the block will hold it.
float stored(float value) { return to_f32(to_f16(value)); }

// Of the searched scale and the plain one, which brings the weight of the largest magnitude to the first code, the
// better one: the search ignores that scales are rounded to f16.
template <typename Block>
void encode_symmetric(const float* x, Block& block) {
  constexpr Codes kCodes = {Block::kMaxCode, Block::kZero};
  const auto [low, high] = std::minmax_element(x, x + kSmallBlock);
  const float peak = -*low > *high ? *low : *high;
  const auto line = [](float scale) { return Line{stored(scale), stored(scale) * static_cast<float>(Block::kZero)}; };
  Line best = line(fit_symmetric<kSmallBlock>(x, kCodes));
  const Line plain = line(-peak / static_cast<float>(Block::kZero));
  if (line_error<kSmallBlock>(x, plain, kCodes) < line_error<kSmallBlock>(x, best, kCodes)) best = plain;
  std::array<uint8_t, kSmallBlock> codes;
  nearest_codes<kSmallBlock>(x, best, kCodes, codes.data());
  block.d = to_f16(best.scale);
  pack_codes(block, codes.data());
}

// The plain line here goes through the smallest and the largest weight.
template <typename Block>
void encode_affine(const float* x, Block& block) {
  constexpr Codes kCodes = {Block::kMaxCode, 0};
  const auto line = [](Line fitted) { return Line{stored(fitted.scale), stored(fitted.min)}; };
  Line best = line(fit_affine<kSmallBlock>(x, Block::kMaxCode, false));
  const auto [low, high] = std::minmax_element(x, x + kSmallBlock);
  const Line plain = line({(*high - *low) / static_cast<float>(Block::kMaxCode), -*low});
  if (line_error<kSmallBlock>(x, plain, kCodes) < line_error<kSmallBlock>(x, best, kCodes)) best = plain;
  std::array<uint8_t, kSmallBlock> codes;
  nearest_codes<kSmallBlock>(x, best, kCodes, codes.data());
  block.d = to_f16(best.scale);
  block.m = to_f16(-best.min);
  pack_codes(block, codes.data());
}

}  // namespace

void encode(const float* x, BlockQ4_0& block) { encode_symmetric(x, block); }
void encode(const float* x, BlockQ5_0& block) { encode_symmetric(x, block); }
void encode(const float* x, BlockQ8_0& block) { encode_symmetric(x, block); }
void encode(const float* x, BlockQ4_1& block) { encode_affine(x, block); }
void encode(const float* x, BlockQ5_1& block) { encode_affine(x, block); }

void encode(const float* x, BlockIQ4_NL& block) {
  const float scale = stored(fit_table(x));
  std::array<uint8_t, kSmallBlock> codes;
  nearest_table_codes(x, scale, codes.data());
  block.d = to_f16(scale);
  pack_codes(block, codes.data());
}

}  // namespace patina::quant
