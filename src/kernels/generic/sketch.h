#pragma once

#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "kernels/generic/acts_layout.h"
#include "kernels/generic/matmul_f32.h"
#include "kernels/generic/rounding.h"

// Packed panels in coarser codes of 4 bits. Plain loops over the rows of a panel that the compiler vectorizes with the
// including translation unit's flags.
namespace patina::kernels {
namespace {

// A coarse element is d * (code - 8), d a row's largest magnitude in the k-block over 7.5, so that none is off by more
// than d / 2.
constexpr float kSketchSteps = 7.5F;

// Inputs that are rounded to within d / 2 with d = max|x| / most over half or all of a block are off by d^2 / 12 in the
// mean square, at most |x|^2 / (12 * most^2) over the block, which is as if each of its 32 weights were off by this
// share.
constexpr float input_error(int most) {
  return static_cast<float>(kBlockColumns) / static_cast<float>(12 * most * most);
}

// The same of what the inputs of products with a sketch are off by in comparison to those with the matrix: float
// weights take unrounded inputs, and types of another form inputs that are rounded otherwise.
template <typename Isa>
constexpr float lost_by_inputs(DType type) {
  constexpr ActsForm kSketch = acts_form<Isa>(DType::kQ4_0);
  if (quant::is_float(type)) return input_error(kSketch.most);
  const ActsForm form = acts_form<Isa>(type);
  return form == kSketch ? 0.0F : input_error(kSketch.most) + input_error(form.most);
}

using SketchPlace = BlockPlace<DType::kQ4_0, uint8_t>;

// Writes a block, and to lost [16] the mean squares of what is lost.
[[gnu::always_inline]] inline void sketch_block(const float* columns, float lost_of_inputs, const SketchPlace& at,
                                                float* lost) {
  float largest[kPanelRows] = {};
  for (int c = 0; c < kBlockColumns; ++c) {
    for (int r = 0; r < kPanelRows; ++r) {
      const float magnitude = __builtin_fabsf(columns[c * kPanelRows + r]);
      largest[r] = magnitude > largest[r] ? magnitude : largest[r];
    }
  }
  float step[kPanelRows];
  float inverse[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) {
    const f16 d = to_f16(largest[r] / kSketchSteps);
    std::memcpy(at.group + 32 * at.index + 2 * r, &d, sizeof(d));
    step[r] = to_f32(d);
    inverse[r] = step[r] > 0.0F ? 1.0F / step[r] : 0.0F;
  }
  float squares[kPanelRows] = {};
  uint32_t words[kCodeVectors / 2][kPanelRows] = {};
  for (int c = 0; c < kBlockColumns; ++c) {
    const int shift = 8 * (c % 4) + 4 * (c / 16);
    for (int r = 0; r < kPanelRows; ++r) {
      const float x = columns[c * kPanelRows + r];
      int32_t q = nearest(x * inverse[r]);
      q = q < -8 ? -8 : q > 7 ? 7 : q;
      const float off = x - step[r] * static_cast<float>(q);
      squares[r] += off * off + lost_of_inputs * x * x;
      words[c / 4 % 4][r] |= static_cast<uint32_t>(q + 8) << shift;
    }
  }
  std::memcpy(at.codes(), words, sizeof(words));
  for (int r = 0; r < kPanelRows; ++r) lost[r] = squares[r] / kBlockColumns;
}

template <typename Isa>
void sketch_panels(const PackedView& w, Range panels, std::byte* sketch, float* lost) {
  const float lost_of_inputs = lost_by_inputs<Isa>(w.type);
  alignas(kVectorBytes) float columns[kBlockColumns * kPanelRows];
  for (int64_t p = panels.begin; p < panels.end; ++p) {
    auto* panel = reinterpret_cast<uint8_t*>(sketch) + p * panel_bytes(DType::kQ4_0, w.cols);
    for (int64_t b = 0; b < w.cols / kBlockColumns; ++b) {
      unpack_panel<Isa>(w, p, {b * kBlockColumns, (b + 1) * kBlockColumns}, columns);
      sketch_block(columns, lost_of_inputs, SketchPlace::of(panel, b), lost);
      lost += kPanelRows;
    }
  }
}

}  // namespace
}  // namespace patina::kernels
