#pragma once

#include <cstdint>

#include "kernels/generic/rounding.h"
#include "kernels/matmul.h"
#include "kernels/packed_layout.h"
#include "kernels/quad_order.h"

// Gradients rounded for the backward products, in sections of kRows of the weights' rows:
//
//   i16  q[sections][m][kRows]    dy = scale q; the last section is padded with zeros
//   f32  scale[sections][m]
//
// For products in 16 bits a section is a segment of 256 rows and |q| <= 4095. For those in bytes it is a group of 64,
// and |q| <= 127 * 256, so that a product with a factor of up to 1 has a byte above 8 bits; its panels stand where
// Isa::panel_place() says.
namespace patina::kernels {
namespace {

constexpr int64_t kSegmentRows = 256;
constexpr int64_t kSegmentGroups = kSegmentRows / kGroupRows;

template <int64_t kRows>
constexpr int kMostOfGradients = kRows == kGroupRows ? 127 * 256 : 4095;

template <int64_t kRows>
constexpr int64_t section_count(int64_t rows) {
  return (rows + kRows - 1) / kRows;
}
inline int64_t segment_count(int64_t rows) { return section_count<kSegmentRows>(rows); }

// From some section and token on.
template <int64_t kRows, typename Code, typename Number>
struct RoundedGradients {
  Code* codes;
  Number* scales;
  int64_t m;

  RoundedGradients from(int64_t section, int64_t token) const {
    const int64_t at = section * m + token;
    return {codes + at * kRows, scales + at, m};
  }
};
using SegmentGradients = RoundedGradients<kSegmentRows, const int16_t, const float>;
using GroupGradients = RoundedGradients<kGroupRows, const int16_t, const float>;

// `Byte` is const or not, as the members of the result.
template <int64_t kRows, typename Code, typename Number, typename Byte>
RoundedGradients<kRows, Code, Number> gradients_at(Byte* quantized, int64_t m, int64_t rows) {
  auto* codes = reinterpret_cast<Code*>(quantized);
  return {codes, reinterpret_cast<Number*>(codes + section_count<kRows>(rows) * m * kRows), m};
}

template <int64_t kRows>
RoundedGradients<kRows, const int16_t, const float> rounded_gradients(const std::byte* quantized, int64_t m,
                                                                      int64_t rows) {
  return gradients_at<kRows, const int16_t, const float>(quantized, m, rows);
}

template <int64_t kRows>
int64_t bytes_of_gradients(int64_t m, int64_t rows) {
  constexpr int64_t kBytes = kRows * int64_t{sizeof(int16_t)} + int64_t{sizeof(float)};
  return (m * section_count<kRows>(rows) * kBytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

inline int64_t quantized_gradients_bytes(quant::DType type, int64_t m, int64_t rows) {
  return backward_in_bytes(type) ? bytes_of_gradients<kGroupRows>(m, rows) : bytes_of_gradients<kSegmentRows>(m, rows);
}

// The numbers of a section as integers up to `most`, in the order above; returns what these are multiples of.
template <typename Isa, int64_t kRows>
[[gnu::always_inline]] inline float round_section(const float* from, int most, int16_t* to) {
  const CodeScale scale = code_scale(largest_magnitude<kRows>(from), static_cast<float>(most));
  for (int64_t p = 0; p < kRows / kPanelRows; ++p) {
    int16_t* out = to + (kRows == kGroupRows ? Isa::panel_place(p) : p) * kPanelRows;
    for (int64_t i = 0; i < kPanelRows; ++i) {
      out[i] = static_cast<int16_t>(nearest(from[p * kPanelRows + i] * scale.inverse));
    }
  }
  return scale.d;
}

template <typename Isa, int64_t kRows>
void quantize_sections(Rows<const float> dy, int64_t m, int64_t rows, Range range, std::byte* out) {
  const auto gradients = gradients_at<kRows, int16_t, float>(out, m, rows);
  alignas(kVectorBytes) float padded[kRows];
  for (int64_t t = range.begin; t < range.end; ++t) {
    for (int64_t s = 0; s < section_count<kRows>(rows); ++s) {
      const float* from = dy.row(t) + s * kRows;
      const int64_t left = rows - s * kRows;
      if (left < kRows) {
        for (int64_t i = 0; i < kRows; ++i) padded[i] = i < left ? from[i] : 0.0F;
        from = padded;
      }
      const auto to = gradients.from(s, t);
      *to.scales = round_section<Isa, kRows>(from, kMostOfGradients<kRows>, to.codes);
    }
  }
}

template <typename Isa>
void quantize_gradients(quant::DType type, Rows<const float> dy, int64_t m, int64_t rows, Range range, std::byte* out) {
  const auto run = backward_in_bytes(type) ? quantize_sections<Isa, kGroupRows> : quantize_sections<Isa, kSegmentRows>;
  run(dy, m, rows, range, out);
}

}  // namespace
}  // namespace patina::kernels
