#include "quant/fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "quant/blocks.h"

namespace patina::quant {
namespace {

constexpr int kPolish = 3;
constexpr float kTiny = 1e-30F;  // below this no scale is distinguishable from zero in f16

// Sums are formed in eight lanes, whatever the machine's vectors, so that the result is the same everywhere. These are
// the compiler's own vectors, which every target has.
using Vec4 [[gnu::vector_size(16)]] = float;
constexpr int kVec = 4;
constexpr int kLanes = 2 * kVec;

Vec4 load(const float* x) {
  Vec4 v;
  std::memcpy(&v, x, sizeof(v));
  return v;
}

float total(Vec4 a, Vec4 b) {
  const Vec4 sum = a + b;
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

Vec4 nearest_integer(Vec4 value) {
  constexpr float kShift = 0x1.8p23F;  // leaves no room for a fraction
  return (value + kShift) - kShift;
}

Vec4 nearest_code(Vec4 value, float top) {
  value = value > 0.0F ? value : Vec4{};
  value = value < top ? value : Vec4{} + top;
  return nearest_integer(value);
}

// The table's value nearest to `value`, by the midpoints between neighbours.
Vec4 nearest_table_value(Vec4 value) {
  Vec4 nearest = Vec4{} + static_cast<float>(kIQ4NLValues[0]);
  for (size_t i = 0; i + 1 < kIQ4NLValues.size(); ++i) {
    const float low = kIQ4NLValues[i];
    const float high = kIQ4NLValues[i + 1];
    nearest += value > 0.5F * (low + high) ? Vec4{} + (high - low) : Vec4{};
  }
  return nearest;
}

// What least squares needs of codes and weights.
struct CodeSums {
  float u = 0, uu = 0, xu = 0;
};

template <int N, typename CodeOf>
CodeSums sum_codes(const float* x, CodeOf code_of) {
  Vec4 u[2]{};
  Vec4 uu[2]{};
  Vec4 xu[2]{};
  for (int i = 0; i < N; i += kLanes) {
    for (int half = 0; half < 2; ++half) {
      const Vec4 weight = load(x + i + half * kVec);
      const Vec4 code = code_of(weight);
      u[half] += code;
      uu[half] += code * code;
      xu[half] += weight * code;
    }
  }
  return {total(u[0], u[1]), total(uu[0], uu[1]), total(xu[0], xu[1])};
}

template <int N, typename WeightOf>
float sum_errors(const float* x, WeightOf weight_of) {
  Vec4 errors[2]{};
  for (int i = 0; i < N; i += kLanes) {
    for (int half = 0; half < 2; ++half) {
      const Vec4 weight = load(x + i + half * kVec);
      const Vec4 miss = weight - weight_of(weight);
      errors[half] += miss * miss;
    }
  }
  return total(errors[0], errors[1]);
}

template <int N, typename CodeOf>
void store_codes(const float* x, uint8_t* out, CodeOf code_of) {
  for (int i = 0; i < N; i += kVec) {
    const Vec4 code = code_of(load(x + i));
    for (int lane = 0; lane < kVec; ++lane) out[i + lane] = static_cast<uint8_t>(static_cast<int>(code[lane]));
  }
}

// How far the largest weight may fall beyond the last code when a search starts, in codes: from inside the range (the
// scale grows) to outside (the weight is clipped and all others get finer steps).
struct Sweep {
  float first, step;
  int count;

  constexpr float at(int i) const { return first + step * static_cast<float>(i); }
};

// Few codes leave much to clip, many codes little.
Sweep sweep_for(int top) {
  if (top <= 7) return {-1.0F, 0.1F, 24};
  if (top <= 31) return {-1.0F, 0.2F, 18};
  return {-1.2F, 0.3F, 12};
}

// The scale w = scale * code that explains most of the weights' sum of squares, improved by trial.
class BestScale {
 public:
  bool offer(const CodeSums& sums) {
    if (sums.uu == 0) return false;
    const float scale = sums.xu / sums.uu;
    const float gain = sums.xu * scale;
    if (gain <= gain_) return false;
    gain_ = gain;
    scale_ = scale;
    return true;
  }
  float scale() const { return scale_; }

 private:
  float scale_ = 0;
  float gain_ = 0;
};

// The weight of the largest magnitude, with its sign.
template <int N>
float peak_of(const float* x) {
  float low = x[0];
  float high = x[0];
  for (int i = 1; i < N; ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  return -low > high ? low : high;
}

// The best line through the points (code, weight); `gain` is how much it explains of the weights' sum of squares.
template <int N>
Line least_squares(const CodeSums& sums, float sum_x, bool keep_zero, float& gain) {
  const float determinant = static_cast<float>(N) * sums.uu - sums.u * sums.u;
  Line line;
  if (determinant > 0) {
    line.scale = (static_cast<float>(N) * sums.xu - sums.u * sum_x) / determinant;
    line.min = (sums.u * sums.xu - sums.uu * sum_x) / determinant;
  }
  if (determinant <= 0 || (keep_zero && line.min < 0)) {
    line = {sums.uu > 0 ? sums.xu / sums.uu : 0.0F, 0.0F};
  }
  gain = line.scale * sums.xu - line.min * sum_x;
  return line;
}

}  // namespace

template <int N>
float fit_symmetric(const float* x, Codes codes) {
  const float peak = peak_of<N>(x);
  if (std::abs(peak) < kTiny) return 0;
  const auto zero = static_cast<float>(codes.zero);
  const auto top = static_cast<float>(codes.top);
  BestScale best;
  const auto attempt = [&](float inverse) {
    return best.offer(sum_codes<N>(x, [=](Vec4 w) { return nearest_code(w * inverse + zero, top) - zero; }));
  };
  const Sweep sweep = sweep_for(codes.top);
  for (int t = 0; t < sweep.count; ++t) {
    const float beyond = sweep.at(t);
    attempt(-(zero + beyond) / peak);
    attempt((top - zero + beyond) / peak);
  }
  for (int i = 0; i < kPolish && best.scale() != 0 && attempt(1.0F / best.scale()); ++i) {
  }
  return best.scale();
}

template <int N>
Line fit_affine(const float* x, int top, bool keep_zero) {
  const CodeSums plain = sum_codes<N>(x, [](Vec4 w) { return w; });
  const auto [smallest, largest] = std::minmax_element(x, x + N);
  const float low = keep_zero ? std::min(0.0F, *smallest) : *smallest;
  const float range = *largest - low;
  if (range < kTiny) return {0, -low};
  const auto last = static_cast<float>(top);
  float best_gain = 0;
  Line best = {range / last, -low};
  const auto attempt = [&](float inverse, float min) {
    const CodeSums sums = sum_codes<N>(x, [=](Vec4 w) { return nearest_code((w + min) * inverse, last); });
    float gain = 0;
    const Line line = least_squares<N>(sums, plain.u, keep_zero, gain);
    if (gain <= best_gain || line.scale <= 0) return false;
    best_gain = gain;
    best = line;
    return true;
  };
  // Each end of the range may fall inside or outside the codes' range, by as much as a sweep of this.
  constexpr Sweep kEnds = {-0.5F, 0.5F, 5};
  for (int i = 0; i < kEnds.count * kEnds.count; ++i) {
    const float below = kEnds.at(i / kEnds.count);
    const float above = kEnds.at(i % kEnds.count);
    const float inverse = (last + below + above) / range;
    attempt(inverse, -low - below / inverse);
  }
  for (int i = 0; i < kPolish && attempt(1.0F / best.scale, best.min); ++i) {
  }
  return best;
}

float fit_table(const float* x) {
  const float peak = peak_of<kSmallBlock>(x);
  if (std::abs(peak) < kTiny) return 0;
  BestScale best;
  const auto attempt = [&](float inverse) {
    return best.offer(sum_codes<kSmallBlock>(x, [=](Vec4 w) { return nearest_table_value(w * inverse); }));
  };
  constexpr Sweep kSweep = {-12, 4, 12};  // the table's codes are some 16 apart
  for (int t = 0; t < kSweep.count; ++t) {
    const float beyond = kSweep.at(t);
    attempt((static_cast<float>(kIQ4NLValues.front()) - beyond) / peak);
    attempt((static_cast<float>(kIQ4NLValues.back()) + beyond) / peak);
  }
  for (int i = 0; i < kPolish && best.scale() != 0 && attempt(1.0F / best.scale()); ++i) {
  }
  return best.scale();
}

template <int N>
float line_error(const float* x, Line line, Codes codes) {
  const float inverse = line.scale == 0 ? 0.0F : 1.0F / line.scale;
  const auto top = static_cast<float>(codes.top);
  return sum_errors<N>(x, [=](Vec4 w) { return line.scale * nearest_code((w + line.min) * inverse, top) - line.min; });
}

float table_error(const float* x, float scale) {
  const float inverse = scale == 0 ? 0.0F : 1.0F / scale;
  return sum_errors<kSmallBlock>(x, [=](Vec4 w) { return scale * nearest_table_value(w * inverse); });
}

template <int N>
void nearest_codes(const float* x, Line line, Codes codes, uint8_t* out) {
  if (line.scale == 0) {
    std::fill_n(out, N, static_cast<uint8_t>(codes.zero));
    return;
  }
  const float inverse = 1.0F / line.scale;
  const auto top = static_cast<float>(codes.top);
  store_codes<N>(x, out, [=](Vec4 w) { return nearest_code((w + line.min) * inverse, top); });
}

void nearest_table_codes(const float* x, float scale, uint8_t* out) {
  const float inverse = scale == 0 ? 0.0F : 1.0F / scale;
  store_codes<kSmallBlock>(x, out, [=](Vec4 w) { return nearest_table_value(w * inverse) + 128.0F; });
}

template float fit_symmetric<16>(const float*, Codes);
template float fit_symmetric<32>(const float*, Codes);
template Line fit_affine<16>(const float*, int, bool);
template Line fit_affine<32>(const float*, int, bool);
template float line_error<16>(const float*, Line, Codes);
template float line_error<32>(const float*, Line, Codes);
template void nearest_codes<16>(const float*, Line, Codes, uint8_t*);
template void nearest_codes<32>(const float*, Line, Codes, uint8_t*);

}  // namespace patina::quant
