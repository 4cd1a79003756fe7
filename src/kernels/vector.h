#pragma once

#include <cstdint>

#include "base/half.h"

namespace patina::kernels {

// A times a transposed B is summed in another order by sgemm where C has up to so many columns while k is at least so
// deep, or A up to three rows.
constexpr int64_t kSgemmDotColumns = 16;
constexpr int64_t kSgemmDotDepth = 512;

enum class RopeLayout { kNorm, kNeox };  // pairs (2i, 2i+1), or (i, i + n/2)

// Single-threaded f32 loops over contiguous memory, one table a level. `n` is any length, also 0; pointers may be
// unaligned; inputs and outputs may be the same array where the formula is element-wise, but not overlap otherwise.
struct VectorKernels {
  float (*dot)(const float* x, const float* y, int64_t n);             // sum x*y
  void (*add)(const float* x, const float* y, float* out, int64_t n);  // x + y
  void (*axpy)(float a, const float* x, float* y, int64_t n);          // y += a*x
  void (*scale)(float a, const float* x, float* out, int64_t n);       // a*x
  void (*mul)(const float* x, const float* y, float* out, int64_t n);  // x*y
  float (*max)(const float* x, int64_t n);                             // -inf for n = 0
  float (*sum_exp)(float* x, float shift, int64_t n);                  // x = exp(x - shift); returns the sum
  float (*sum_squares)(const float* x, int64_t n);

  // y = x / rms(x) * weight, rms(x) = sqrt(mean(x^2) + eps); returns 1/rms. weight may be null (all ones).
  float (*rms_norm)(const float* x, const float* weight, float eps, float* y, int64_t n);
  // dx += of y = x * inv_rms * weight:  with g = dy*weight:  dx += inv_rms * (g - x * inv_rms^2 * mean(g*x)).
  void (*rms_norm_backward)(const float* x, const float* weight, float inv_rms, const float* dy, float* dx, int64_t n);

  // out = silu(gate) * up, silu(g) = g / (1 + exp(-g)); backward adds nothing: it writes dgate and dup.
  void (*silu_mul)(const float* gate, const float* up, float* out, int64_t n);
  void (*silu_mul_backward)(const float* gate, const float* up, const float* dout, float* dgate, float* dup, int64_t n);
  // The same with gelu in its tanh form: 0.5 g (1 + tanh(sqrt(2/pi) (g + 0.044715 g^3))).
  void (*gelu_mul)(const float* gate, const float* up, float* out, int64_t n);
  void (*gelu_mul_backward)(const float* gate, const float* up, const float* dout, float* dgate, float* dup, int64_t n);

  // Rotates one head in place: for pair i < n/2 with c = cos[i], s = sin[i]:  (a, b) -> (a c - b s, a s + b c).
  // With s negated it is its own inverse and backward. n is even.
  void (*rope)(float* x, const float* cos, const float* sin, int64_t n, RopeLayout layout);

  void (*f32_to_f16)(const float* x, f16* out, int64_t n);  // nearest even
  void (*f16_to_f32)(const f16* x, float* out, int64_t n);

  // C[i*ldc + j] = beta * C + alpha * sum_p A(i,p) * B(p,j)   for i < m, j < n, p < k (BLAS sgemm, row-major):
  // A(i,p) = trans_a ? a[p*lda + i] : a[i*lda + p];  B(p,j) = trans_b ? b[j*ldb + p] : b[p*ldb + j].
  // beta = 0 overwrites without reading C. Any sizes, tuned for k from 4 (LoRA ranks, attention) to thousands. But for
  // the constants above, a number in C does not depend on how many rows and columns there are.
  void (*sgemm)(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
                const float* b, int64_t ldb, float beta, float* c, int64_t ldc);
};

}  // namespace patina::kernels
