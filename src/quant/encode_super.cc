// The types of 256 elements: a line a group, whose scales and mins are small integers of a unit that the block shares.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "quant/codec.h"
#include "quant/encode.h"
#include "quant/fit.h"

namespace patina::quant {
namespace {

constexpr int kRefits = 2;  // of the shared units to the integers and codes that were chosen with the last ones

float stored(float value) { return to_f32(to_f16(value)); }

int nearest_multiple(float value, float unit, int low, int high) {
  if (unit == 0) return 0;
  return static_cast<int>(std::lround(std::clamp(value / unit, static_cast<float>(low), static_cast<float>(high))));
}

// Everything a block says but the codes: group g has scale d * scales[g] and min dmin * mins[g].
template <int Groups>
struct Lines {
  float d = 0, dmin = 0;
  std::array<int, Groups> scales{};
  std::array<int, Groups> mins{};
  float error = std::numeric_limits<float>::infinity();

  Line line(size_t g) const { return {d * static_cast<float>(scales[g]), dmin * static_cast<float>(mins[g])}; }
};

// The affine types Q2_K, Q4_K and Q5_K, whose integers go from 0 to `Levels`.
template <typename Block, int Levels>
class AffineEncoder {
 public:
  explicit AffineEncoder(const float* x) : x_(x) {
    for (size_t g = 0; g < kGroups; ++g) lines_[g] = fit_affine<Block::kGroup>(group(g), Block::kMaxCode, true);
  }

  Lines<Block::kElements / Block::kGroup> encode(uint8_t* codes) const {
    float scale = 0;
    float min = 0;
    for (const Line& line : lines_) {
      scale = std::max(scale, line.scale);
      min = std::max(min, line.min);
    }
    BlockLines best = choose(scale / Levels, min / Levels);
    for (int i = 0; i < kRefits; ++i) {
      const BlockLines next = refit(best);
      if (next.error >= best.error) break;
      best = next;
    }
    write_codes(best, codes);
    return best;
  }

 private:
  static constexpr size_t kGroups = Block::kElements / Block::kGroup;
  static constexpr Codes kCodes = {Block::kMaxCode, 0};
  using BlockLines = Lines<kGroups>;

  const float* group(size_t g) const { return x_ + g * Block::kGroup; }

  // The best integers for these units: those nearest to the fitted line, a neighbour of theirs, or zeros (where f16 has
  // no unit small enough).
  BlockLines choose(float d, float dmin) const {
    BlockLines block;
    block.d = stored(d);
    block.dmin = stored(dmin);
    block.error = 0;
    for (size_t g = 0; g < kGroups; ++g) block.error += choose_group(block, g);
    return block;
  }

  float choose_group(BlockLines& block, size_t g) const {
    const int scale = nearest_multiple(lines_[g].scale, block.d, 0, Levels);
    const int min = nearest_multiple(lines_[g].min, block.dmin, 0, Levels);
    float best = line_error<Block::kGroup>(group(g), {}, kCodes);
    for (int s = std::max(scale - 1, 0); s <= std::min(scale + 1, Levels); ++s) {
      for (int t = std::max(min - 1, 0); t <= std::min(min + 1, Levels); ++t) {
        const Line line = {block.d * static_cast<float>(s), block.dmin * static_cast<float>(t)};
        const float error = line_error<Block::kGroup>(group(g), line, kCodes);
        if (error >= best) continue;
        best = error;
        block.scales[g] = s;
        block.mins[g] = t;
      }
    }
    return best;
  }

  void write_codes(const BlockLines& block, uint8_t* codes) const {
    for (size_t g = 0; g < kGroups; ++g) {
      nearest_codes<Block::kGroup>(group(g), block.line(g), kCodes, codes + g * Block::kGroup);
    }
  }

  // Least squares for x = d * a - dmin * t, where a = scale * code.
  BlockLines refit(const BlockLines& block) const {
    std::array<uint8_t, Block::kElements> codes;
    write_codes(block, codes.data());
    double aa = 0;
    double at = 0;
    double tt = 0;
    double xa = 0;
    double xt = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      const auto t = static_cast<float>(block.mins[g]);
      float sum_a = 0;
      float sum_aa = 0;
      float sum_x = 0;
      float sum_xa = 0;
      for (size_t i = g * Block::kGroup; i < (g + 1) * Block::kGroup; ++i) {
        const float a = static_cast<float>(block.scales[g]) * static_cast<float>(codes[i]);
        sum_a += a;
        sum_aa += a * a;
        sum_x += x_[i];
        sum_xa += x_[i] * a;
      }
      aa += sum_aa;
      at += sum_a * t;
      tt += t * t * Block::kGroup;
      xa += sum_xa;
      xt += sum_x * t;
    }
    const double determinant = aa * tt - at * at;
    if (determinant <= 0) {
      return aa > 0 ? choose(static_cast<float>(xa / aa), block.dmin) : block;
    }
    const double d = (xa * tt - xt * at) / determinant;
    const double dmin = (xa * at - xt * aa) / determinant;
    return d > 0 && dmin >= 0 ? choose(static_cast<float>(d), static_cast<float>(dmin)) : block;
  }

  const float* x_;
  std::array<Line, kGroups> lines_;
};

// The symmetric types Q3_K and Q6_K, whose integers go from -Levels to Levels - 1.
template <typename Block, int Levels>
class SymmetricEncoder {
 public:
  explicit SymmetricEncoder(const float* x) : x_(x) {
    for (size_t g = 0; g < kGroups; ++g) scales_[g] = fit_symmetric<Block::kGroup>(group(g), kCodes);
  }

  Lines<Block::kElements / Block::kGroup> encode(uint8_t* codes) const {
    const auto [low, high] = std::minmax_element(scales_.begin(), scales_.end());
    BlockLines best = choose(-(-*low > *high ? *low : *high) / Levels);
    for (int i = 0; i < kRefits; ++i) {
      const BlockLines next = refit(best);
      if (next.error >= best.error) break;
      best = next;
    }
    write_codes(best, codes);
    return best;
  }

 private:
  static constexpr size_t kGroups = Block::kElements / Block::kGroup;
  static constexpr Codes kCodes = {Block::kMaxCode, Block::kZero};
  using BlockLines = Lines<kGroups>;

  const float* group(size_t g) const { return x_ + g * Block::kGroup; }
  static Line line(float scale) { return {scale, scale * static_cast<float>(Block::kZero)}; }

  BlockLines choose(float d) const {
    BlockLines block;
    block.d = stored(d);
    block.error = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      const int nearest = nearest_multiple(scales_[g], block.d, -Levels, Levels - 1);
      float best = std::numeric_limits<float>::infinity();
      for (int s = std::max(nearest - 1, -Levels); s <= std::min(nearest + 1, Levels - 1); ++s) {
        const float error = line_error<Block::kGroup>(group(g), line(block.d * static_cast<float>(s)), kCodes);
        if (error >= best) continue;
        best = error;
        block.scales[g] = s;
      }
      block.error += best;
    }
    return block;
  }

  void write_codes(const BlockLines& block, uint8_t* codes) const {
    for (size_t g = 0; g < kGroups; ++g) {
      nearest_codes<Block::kGroup>(group(g), line(block.line(g).scale), kCodes, codes + g * Block::kGroup);
    }
  }

  // Least squares for x = d * a, where a = scale * (code - zero).
  BlockLines refit(const BlockLines& block) const {
    std::array<uint8_t, Block::kElements> codes;
    write_codes(block, codes.data());
    double aa = 0;
    double xa = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      for (size_t i = g * Block::kGroup; i < (g + 1) * Block::kGroup; ++i) {
        const int a = block.scales[g] * (codes[i] - Block::kZero);
        aa += static_cast<double>(a) * a;
        xa += static_cast<double>(x_[i]) * a;
      }
    }
    return aa > 0 ? choose(static_cast<float>(xa / aa)) : block;
  }

  const float* x_;
  std::array<float, kGroups> scales_;
};

template <typename Block>
void encode_six_bit_lines(const float* x, Block& block) {
  std::array<uint8_t, kSuperBlock> codes;
  const auto lines = AffineEncoder<Block, 63>(x).encode(codes.data());
  ScalesAndMins packed{};
  for (size_t g = 0; g < packed.scales.size(); ++g) {
    packed.scales[g] = static_cast<uint8_t>(lines.scales[g]);
    packed.mins[g] = static_cast<uint8_t>(lines.mins[g]);
  }
  block.d = to_f16(lines.d);
  block.dmin = to_f16(lines.dmin);
  pack_scales_and_mins(packed, block.scales);
  pack_codes(block, codes.data());
}

}  // namespace

void encode(const float* x, BlockQ4_K& block) { encode_six_bit_lines(x, block); }
void encode(const float* x, BlockQ5_K& block) { encode_six_bit_lines(x, block); }

void encode(const float* x, BlockQ2_K& block) {
  std::array<uint8_t, kSuperBlock> codes;
  const auto lines = AffineEncoder<BlockQ2_K, 15>(x).encode(codes.data());
  for (size_t g = 0; g < lines.scales.size(); ++g) {
    block.scales[g] = static_cast<uint8_t>(lines.scales[g] | (lines.mins[g] << 4));
  }
  block.d = to_f16(lines.d);
  block.dmin = to_f16(lines.dmin);
  pack_codes(block, codes.data());
}

void encode(const float* x, BlockQ3_K& block) {
  constexpr int kLevels = 32;
  std::array<uint8_t, kSuperBlock> codes;
  const auto lines = SymmetricEncoder<BlockQ3_K, kLevels>(x).encode(codes.data());
  std::array<uint8_t, 16> scales;
  std::ranges::transform(lines.scales, scales.begin(), [](int s) { return static_cast<uint8_t>(s + kLevels); });
  block.d = to_f16(lines.d);
  pack_q3_k_scales(scales, block.scales);
  pack_codes(block, codes.data());
}

void encode(const float* x, BlockQ6_K& block) {
  std::array<uint8_t, kSuperBlock> codes;
  const auto lines = SymmetricEncoder<BlockQ6_K, 128>(x).encode(codes.data());
  std::ranges::transform(lines.scales, block.scales, [](int s) { return static_cast<int8_t>(s); });
  block.d = to_f16(lines.d);
  pack_codes(block, codes.data());
}

}  // namespace patina::quant
