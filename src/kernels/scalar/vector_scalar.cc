#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/levels.h"
#include "kernels/vector.h"

// The specification of every level: formulas as vector.h states them, sums in f64.
namespace patina::kernels {
namespace {

float dot(const float* x, const float* y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * y[i];
  return static_cast<float>(sum);
}

void add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] + y[i];
}

void axpy(float a, const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void scale(float a, const float* x, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = a * x[i];
}

void mul(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] * y[i];
}

float max(const float* x, int64_t n) {
  float top = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < n; ++i) top = std::max(top, x[i]);
  return top;
}

float sum_exp(float* x, float shift, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    x[i] = std::exp(x[i] - shift);
    sum += x[i];
  }
  return static_cast<float>(sum);
}

float sum_squares(const float* x, int64_t n) { return dot(x, x, n); }

float rms_norm(const float* x, const float* weight, float eps, float* y, int64_t n) {
  if (n == 0) return 1.0F / std::sqrt(eps);
  const float inv_rms = 1.0F / std::sqrt(sum_squares(x, n) / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * inv_rms * (weight == nullptr ? 1.0F : weight[i]);
  return inv_rms;
}

void rms_norm_backward(const float* x, const float* weight, float inv_rms, const float* dy, float* dx, int64_t n) {
  const auto gradient = [&](int64_t i) { return weight == nullptr ? dy[i] : dy[i] * weight[i]; };
  double product = 0;
  for (int64_t i = 0; i < n; ++i) product += static_cast<double>(gradient(i)) * x[i];
  const float along = inv_rms * inv_rms * static_cast<float>(product / static_cast<double>(n));
  for (int64_t i = 0; i < n; ++i) dx[i] += inv_rms * (gradient(i) - x[i] * along);
}

// An activation g * sigmoid(z(g)) with z and its derivative; (1 + tanh u) / 2 = sigmoid(2 u) makes gelu one of them.
struct Silu {
  static float z(float g) { return g; }
  static float dz(float) { return 1.0F; }
};

struct Gelu {
  static constexpr float kSlope = 1.5957691216F;                        // 2 sqrt(2/pi)
  static float inner(float g) { return std::clamp(g, -50.0F, 50.0F); }  // the sigmoid is long 0 or 1
  static float z(float g) {
    const float c = inner(g);
    return kSlope * c * (1.0F + 0.044715F * c * c);
  }
  static float dz(float g) {
    const float c = inner(g);
    return kSlope * (1.0F + 3.0F * 0.044715F * c * c);
  }
};

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

template <typename Activation>
void gated(const float* gate, const float* up, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = gate[i] * sigmoid(Activation::z(gate[i])) * up[i];
}

template <typename Activation>
void gated_backward(const float* gate, const float* up, const float* dout, float* dgate, float* dup, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gate[i];
    const float u = up[i];
    const float d = dout[i];
    const float s = sigmoid(Activation::z(g));
    dgate[i] = d * u * (s + g * s * (1.0F - s) * Activation::dz(g));
    dup[i] = d * g * s;
  }
}

void rope(float* x, const float* cos, const float* sin, int64_t n, RopeLayout layout) {
  const int64_t half = n / 2;
  const bool neox = layout == RopeLayout::kNeox;
  for (int64_t i = 0; i < half; ++i) {
    float& a = x[neox ? i : 2 * i];
    float& b = x[neox ? i + half : 2 * i + 1];
    const float turned = a * cos[i] - b * sin[i];
    b = a * sin[i] + b * cos[i];
    a = turned;
  }
}

void f32_to_f16(const float* x, f16* out, int64_t n) { std::transform(x, x + n, out, to_f16); }

void f16_to_f32(const f16* x, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = to_f32(x[i]);
}

void sgemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
           const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < k; ++p) {
        sum += static_cast<double>(trans_a ? a[p * lda + i] : a[i * lda + p]) *
               static_cast<double>(trans_b ? b[j * ldb + p] : b[p * ldb + j]);
      }
      const float value = alpha * static_cast<float>(sum);
      float& to = c[i * ldc + j];
      to = beta == 0.0F ? value : beta * to + value;
    }
  }
}

}  // namespace

const VectorKernels kVectorScalar = {
    .dot = dot,
    .add = add,
    .axpy = axpy,
    .scale = scale,
    .mul = mul,
    .max = max,
    .sum_exp = sum_exp,
    .sum_squares = sum_squares,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .silu_mul = gated<Silu>,
    .silu_mul_backward = gated_backward<Silu>,
    .gelu_mul = gated<Gelu>,
    .gelu_mul_backward = gated_backward<Gelu>,
    .rope = rope,
    .f32_to_f16 = f32_to_f16,
    .f16_to_f32 = f16_to_f32,
    .sgemm = sgemm,
};

}  // namespace patina::kernels
