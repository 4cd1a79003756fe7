#pragma once

#include <cstdint>

#include "kernels/vector.h"

// The loops of VectorKernels, written once over a vector type V of kWidth floats (vec_avx2.h and its like).
namespace patina::kernels {
namespace {

// How a loop body reaches memory: whole vectors, or the first few lanes of the last one (the others read as 0).
template <typename V>
struct Whole {
  static typename V::F load(const float* from) { return V::load(from); }
  static void store(float* to, typename V::F v) { V::store(to, v); }
  static typename V::F load_half(const f16* from) { return V::load_half(from); }
  static void store_half(f16* to, typename V::F v) { V::store_half(to, v); }
  static typename V::F keep(typename V::F v, typename V::F) { return v; }
};

template <typename V>
struct Part {
  int lanes;

  typename V::F load(const float* from) const { return V::load_some(from, lanes); }
  void store(float* to, typename V::F v) const { V::store_some(to, v, lanes); }
  typename V::F load_half(const f16* from) const {
    f16 whole[V::kWidth] = {};
    for (int i = 0; i < lanes; ++i) whole[i] = from[i];
    return V::load_half(whole);
  }
  void store_half(f16* to, typename V::F v) const {
    f16 whole[V::kWidth];
    V::store_half(whole, v);
    for (int i = 0; i < lanes; ++i) to[i] = whole[i];
  }
  // v in the loaded lanes, `other` in the rest.
  typename V::F keep(typename V::F v, typename V::F other) const { return V::select_first(v, other, lanes); }
};

// body(span, i) for i = 0, kWidth, ... below n.
template <typename V, typename Body>
[[gnu::always_inline]] inline void each(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + V::kWidth <= n; i += V::kWidth) body(Whole<V>(), i);
  if (i < n) body(Part<V>{static_cast<int>(n - i)}, i);
}

// Four running results, so that the latency of one operation does not bound the loop:
// state[s] = step(span, i, state[s]), combined in a fixed order.
template <typename V, typename Step, typename Join>
[[gnu::always_inline]] inline typename V::F fold(int64_t n, typename V::F start, const Step& step, const Join& join) {
  typename V::F state[4] = {start, start, start, start};
  int64_t i = 0;
  for (; i + 4 * V::kWidth <= n; i += 4 * V::kWidth) {
#pragma GCC unroll 4
    for (int s = 0; s < 4; ++s) state[s] = step(Whole<V>(), i + s * V::kWidth, state[s]);
  }
  for (; i + V::kWidth <= n; i += V::kWidth) state[0] = step(Whole<V>(), i, state[0]);
  if (i < n) state[1] = step(Part<V>{static_cast<int>(n - i)}, i, state[1]);
  return join(join(state[0], state[1]), join(state[2], state[3]));
}

template <typename V, typename Step>
[[gnu::always_inline]] inline float sum(int64_t n, const Step& step) {
  return V::reduce_add(fold<V>(n, V::set(0.0F), step, [](auto a, auto b) { return V::add(a, b); }));
}

// exp(x) to about 1 ulp: x = n ln 2 + r with |r| <= ln 2 / 2, exp(r) by a polynomial of degree 6
// that is minimax in the relative error (3e-9).
// 0 below -104, infinity above 88.8, NaN stays NaN.
template <typename V>
[[gnu::always_inline]] inline typename V::F exp(typename V::F x) {
  using F = typename V::F;
  x = V::min(V::set(89.0F), V::max(V::set(-104.5F), x));  // the second operand is returned if it is NaN
  const F n = V::round(V::mul(x, V::set(0x1.715476p+0F)));
  const F r = V::fma(n, V::set(-0x1.7F7D1Cp-20F), V::fma(n, V::set(-0x1.62E4p-1F), x));  // ln 2 in two parts
  F p = V::set(0x1.6A233Cp-10F);
  p = V::fma(p, r, V::set(0x1.123A6Ep-7F));
  p = V::fma(p, r, V::set(0x1.5558F4p-5F));
  p = V::fma(p, r, V::set(0x1.55549p-3F));
  p = V::fma(p, r, V::set(0x1.FFFFFCp-2F));
  p = V::fma(V::mul(r, r), p, r);
  return V::scale_by_power_of_2(V::add(p, V::set(1.0F)), n);
}

template <typename V>
[[gnu::always_inline]] inline typename V::F sigmoid(typename V::F x) {
  return V::div(V::set(1.0F), V::add(V::set(1.0F), exp<V>(V::sub(V::set(0.0F), x))));
}

template <typename V>
float dot(const float* x, const float* y, int64_t n) {
  return sum<V>(n, [&](auto at, int64_t i, auto s) { return V::fma(at.load(x + i), at.load(y + i), s); });
}

template <typename V>
void add(const float* x, const float* y, float* out, int64_t n) {
  each<V>(n, [&](auto at, int64_t i) { at.store(out + i, V::add(at.load(x + i), at.load(y + i))); });
}

template <typename V>
void axpy(float a, const float* x, float* y, int64_t n) {
  const auto factor = V::set(a);
  each<V>(n, [&](auto at, int64_t i) { at.store(y + i, V::fma(factor, at.load(x + i), at.load(y + i))); });
}

template <typename V>
void scale(float a, const float* x, float* out, int64_t n) {
  const auto factor = V::set(a);
  each<V>(n, [&](auto at, int64_t i) { at.store(out + i, V::mul(factor, at.load(x + i))); });
}

template <typename V>
void mul(const float* x, const float* y, float* out, int64_t n) {
  each<V>(n, [&](auto at, int64_t i) { at.store(out + i, V::mul(at.load(x + i), at.load(y + i))); });
}

template <typename V>
float max(const float* x, int64_t n) {
  const auto lowest = V::set(-__builtin_inff());
  const auto step = [&](auto at, int64_t i, auto s) { return V::max(s, at.keep(at.load(x + i), lowest)); };
  return V::reduce_max(fold<V>(n, lowest, step, [](auto a, auto b) { return V::max(a, b); }));
}

template <typename V>
float sum_exp(float* x, float shift, int64_t n) {
  const auto offset = V::set(shift);
  const auto none = V::set(0.0F);
  return sum<V>(n, [&](auto at, int64_t i, auto s) {
    const auto e = exp<V>(V::sub(at.load(x + i), offset));
    at.store(x + i, e);
    return V::add(s, at.keep(e, none));
  });
}

template <typename V>
float sum_squares(const float* x, int64_t n) {
  return sum<V>(n, [&](auto at, int64_t i, auto s) {
    const auto v = at.load(x + i);
    return V::fma(v, v, s);
  });
}

template <typename V>
float rms_norm(const float* x, const float* weight, float eps, float* y, int64_t n) {
  if (n == 0) return 1.0F / __builtin_sqrtf(eps);
  const float inv_rms = 1.0F / __builtin_sqrtf(sum_squares<V>(x, n) / static_cast<float>(n) + eps);
  const auto factor = V::set(inv_rms);
  each<V>(n, [&](auto at, int64_t i) {
    const auto v = V::mul(at.load(x + i), factor);
    at.store(y + i, weight == nullptr ? v : V::mul(v, at.load(weight + i)));
  });
  return inv_rms;
}

template <typename V>
void rms_norm_backward(const float* x, const float* weight, float inv_rms, const float* dy, float* dx, int64_t n) {
  if (n == 0) return;
  const auto gradient = [&](auto at, int64_t i) {
    return weight == nullptr ? at.load(dy + i) : V::mul(at.load(dy + i), at.load(weight + i));
  };
  const float product =
      sum<V>(n, [&](auto at, int64_t i, auto s) { return V::fma(gradient(at, i), at.load(x + i), s); });
  const auto along = V::set(-inv_rms * inv_rms * (product / static_cast<float>(n)));
  const auto factor = V::set(inv_rms);
  each<V>(n, [&](auto at, int64_t i) {
    const auto across = V::fma(at.load(x + i), along, gradient(at, i));
    at.store(dx + i, V::fma(factor, across, at.load(dx + i)));
  });
}

// Gated activations are g * sigmoid(z(g)): z = g for silu; for gelu in its tanh form z = 2 sqrt(2/pi) (g + 0.044715
// g^3), since (1 + tanh u) / 2 = sigmoid(2 u).
template <typename V>
struct Silu {
  using F = typename V::F;
  static F z(F g) { return g; }
  static F dz(F) { return V::set(1.0F); }
};

template <typename V>
struct Gelu {
  using F = typename V::F;
  static constexpr float kSlope = 1.5957691216F;  // 2 sqrt(2/pi)
  // Far beyond where the sigmoid is 0 or 1, and no square or cube overflows.
  static F inner(F g) { return V::min(V::set(50.0F), V::max(V::set(-50.0F), g)); }
  static F z(F g) {
    const F c = inner(g);
    const F square = V::mul(c, c);
    return V::mul(V::mul(V::set(kSlope), c), V::fma(V::set(0.044715F), square, V::set(1.0F)));
  }
  static F dz(F g) {
    const F c = inner(g);
    return V::fma(V::set(3.0F * 0.044715F * kSlope), V::mul(c, c), V::set(kSlope));
  }
};

template <typename V, template <typename> typename Activation>
void gated(const float* gate, const float* up, float* out, int64_t n) {
  each<V>(n, [&](auto at, int64_t i) {
    const auto g = at.load(gate + i);
    at.store(out + i, V::mul(V::mul(g, sigmoid<V>(Activation<V>::z(g))), at.load(up + i)));
  });
}

// With s = sigmoid(z(g)): d(g s)/dg = s + g s (1 - s) z'(g).
template <typename V, template <typename> typename Activation>
void gated_backward(const float* gate, const float* up, const float* dout, float* dgate, float* dup, int64_t n) {
  each<V>(n, [&](auto at, int64_t i) {
    const auto g = at.load(gate + i);
    const auto u = at.load(up + i);
    const auto d = at.load(dout + i);
    const auto s = sigmoid<V>(Activation<V>::z(g));
    const auto value = V::mul(g, s);
    const auto slope = V::fma(V::mul(value, V::sub(V::set(1.0F), s)), Activation<V>::dz(g), s);
    at.store(dgate + i, V::mul(V::mul(d, u), slope));
    at.store(dup + i, V::mul(d, value));
  });
}

template <typename V>
void rope_pairs_apart(float* x, const float* cos, const float* sin, int64_t half) {
  each<V>(half, [&](auto at, int64_t i) {
    const auto a = at.load(x + i);
    const auto b = at.load(x + half + i);
    const auto c = at.load(cos + i);
    const auto s = at.load(sin + i);
    at.store(x + i, V::sub(V::mul(a, c), V::mul(b, s)));
    at.store(x + half + i, V::fma(a, s, V::mul(b, c)));
  });
}

template <typename V>
void rope(float* x, const float* cos, const float* sin, int64_t n, RopeLayout layout) {
  const int64_t half = n / 2;
  if (layout == RopeLayout::kNeox) return rope_pairs_apart<V>(x, cos, sin, half);
  int64_t i = 0;
  for (; i + V::kWidth <= half; i += V::kWidth) {
    const auto low = V::load(x + 2 * i);
    const auto high = V::load(x + 2 * i + V::kWidth);
    const auto a = V::even(low, high);
    const auto b = V::odd(low, high);
    const auto c = V::load(cos + i);
    const auto s = V::load(sin + i);
    const auto turned_a = V::sub(V::mul(a, c), V::mul(b, s));
    const auto turned_b = V::fma(a, s, V::mul(b, c));
    V::store(x + 2 * i, V::zip_low(turned_a, turned_b));
    V::store(x + 2 * i + V::kWidth, V::zip_high(turned_a, turned_b));
  }
  for (; i < half; ++i) {
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    x[2 * i] = a * cos[i] - b * sin[i];
    x[2 * i + 1] = a * sin[i] + b * cos[i];
  }
}

template <typename V>
void f32_to_f16(const float* x, f16* out, int64_t n) {
  each<V>(n, [&](auto at, int64_t i) { at.store_half(out + i, at.load(x + i)); });
}

template <typename V>
void f16_to_f32(const f16* x, float* out, int64_t n) {
  each<V>(n, [&](auto at, int64_t i) { at.store(out + i, at.load_half(x + i)); });
}

}  // namespace
}  // namespace patina::kernels
