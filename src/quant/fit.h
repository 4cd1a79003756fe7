#pragma once

#include <cstdint>

// The search for scales, for one group of N weights: which line w = scale * u - min over integer codes u comes nearest
// to the weights. Codes and line are improved in turn: for a line the best codes are the nearest ones, for given codes
// the best line is a least-squares fit (Lloyd's algorithm, with a sweep over starting lines against poor local minima).
// Weights are finite and at most kLargestWeight. N is 16 or 32. Internal to this folder.
namespace patina::quant {

// The largest magnitude whose squares can be summed over a block in f32.
constexpr float kLargestWeight = 1e15F;

struct Line {
  float scale = 0;
  float min = 0;
};

// Codes lie in 0..top.
struct Codes {
  int top;
  int zero;  // the code of weight 0 of a symmetric type; the code of everything where the scale is 0
};

// w = scale * (u - zero). The scale is of either sign.
template <int N>
float fit_symmetric(const float* x, Codes codes);

// w = scale * u - min with scale >= 0, and min >= 0 where `keep_zero` is set (then zero lies in the range of weights).
template <int N>
Line fit_affine(const float* x, int top, bool keep_zero);

// w = scale * kIQ4NLValues[index]. The scale is of either sign.
float fit_table(const float* x);

// The squared error of weights on that line, each with its nearest code.
template <int N>
float line_error(const float* x, Line line, Codes codes);
float table_error(const float* x, float scale);

// The nearest codes.
template <int N>
void nearest_codes(const float* x, Line line, Codes codes, uint8_t* out);
// As codec.h has IQ4_NL's codes: the table's value + 128.
void nearest_table_codes(const float* x, float scale, uint8_t* out);

}  // namespace patina::quant
