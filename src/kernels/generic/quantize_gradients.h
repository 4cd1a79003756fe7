#pragma once

#include <cstdint>

#include "kernels/generic/rounding.h"
#include "kernels/matmul.h"
#include "kernels/packed_layout.h"
#include "kernels/quad_order.h"

// Gradients rounded for the backward products, in segments of 256 of the weights' rows and groups of 64:
//
//   i16  q[segments][m][256]           dy = s q, |q| <= 4095; the last segment is padded with zeros
//   f32  s[segments][m]
//   i16  multiplier[segments][m][4]    round(multiplier q / 2^15) is at most 127 in the group
//   f32  unit[segments][m][4]          2^30 s / multiplier
namespace patina::kernels {
namespace {

constexpr int64_t kSegmentRows = 256;
constexpr int64_t kSegmentGroups = kSegmentRows / kGroupRows;
constexpr int kMostOfGradients = 4095;
constexpr int kMostOfBytes = 127;

inline int64_t segment_count(int64_t rows) { return (rows + kSegmentRows - 1) / kSegmentRows; }

// Of one segment, from some token on.
template <typename Code, typename Number>
struct GradientsOf {
  Code* codes;         // [m][256]
  Number* scales;      // [m]
  Code* multipliers;   // [m][4]
  Number* byte_units;  // [m][4]

  GradientsOf from_token(int64_t t) const {
    return {codes + t * kSegmentRows, scales + t, multipliers + t * kSegmentGroups, byte_units + t * kSegmentGroups};
  }
};
using SegmentGradients = GradientsOf<const int16_t, const float>;

// `Byte` is const or not, as the members of the result.
template <typename Code, typename Number, typename Byte>
GradientsOf<Code, Number> gradients_of_segment(Byte* quantized, int64_t m, int64_t rows, int64_t segment) {
  const int64_t tokens = segment_count(rows) * m;
  auto* codes = reinterpret_cast<Code*>(quantized);
  auto* scales = reinterpret_cast<Number*>(codes + tokens * kSegmentRows);
  auto* multipliers = reinterpret_cast<Code*>(scales + tokens);
  auto* units = reinterpret_cast<Number*>(multipliers + tokens * kSegmentGroups);
  return GradientsOf<Code, Number>{codes, scales, multipliers, units}.from_token(segment * m);
}

inline SegmentGradients gradients_of_segment(const std::byte* quantized, int64_t m, int64_t rows, int64_t segment) {
  return gradients_of_segment<const int16_t, const float>(quantized, m, rows, segment);
}

template <typename Isa>
int64_t quantized_gradients_bytes(int64_t m, int64_t rows) {
  constexpr int64_t kBytes = kSegmentRows * int64_t{sizeof(int16_t)} + int64_t{sizeof(float)} +
                             kSegmentGroups * int64_t{sizeof(int16_t) + sizeof(float)};
  return (m * segment_count(rows) * kBytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

// One token's segment of 256 gradients.
[[gnu::always_inline]] inline void quantize_segment(const float* from, const GradientsOf<int16_t, float>& to) {
  const CodeScale scale = code_scale(largest_magnitude<kSegmentRows>(from), kMostOfGradients);
  for (int64_t i = 0; i < kSegmentRows; ++i) to.codes[i] = static_cast<int16_t>(nearest(from[i] * scale.inverse));
  *to.scales = scale.d;
  for (int64_t g = 0; g < kSegmentGroups; ++g) {
    int32_t most = kMostOfBytes;
    for (int64_t i = 0; i < kGroupRows; ++i) {
      const int32_t code = to.codes[g * kGroupRows + i];
      const int32_t magnitude = code < 0 ? -code : code;
      most = magnitude > most ? magnitude : most;
    }
    const int32_t multiplier = (kMostOfBytes << 15) / most;
    to.multipliers[g] = static_cast<int16_t>(multiplier < 32767 ? multiplier : 32767);
    to.byte_units[g] = scale.d * (0x1p30F / static_cast<float>(to.multipliers[g]));
  }
}

template <typename Isa>
void quantize_gradients(const float* dy, int64_t lddy, int64_t m, int64_t rows, int64_t m_begin, int64_t m_end,
                        std::byte* out) {
  alignas(kVectorBytes) float padded[kSegmentRows];
  for (int64_t t = m_begin; t < m_end; ++t) {
    for (int64_t s = 0; s < segment_count(rows); ++s) {
      const float* from = dy + t * lddy + s * kSegmentRows;
      const int64_t left = rows - s * kSegmentRows;
      if (left < kSegmentRows) {
        for (int64_t i = 0; i < kSegmentRows; ++i) padded[i] = i < left ? from[i] : 0.0F;
        from = padded;
      }
      quantize_segment(from, gradients_of_segment<int16_t, float>(out, m, rows, s).from_token(t));
    }
  }
}

}  // namespace
}  // namespace patina::kernels
