#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/half.h"
#include "kernels/vector.h"

// Holds one level's vector kernels against another's, without a test library, so that it serves emulated machines too.
namespace patina::kernels::testing {

using Floats = std::vector<float>;

constexpr int64_t kTails[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 255};

inline Floats random_vector(int64_t n, std::mt19937& random, float spread = 1.0F) {
  std::normal_distribution<float> normal(0.0F, spread);
  Floats out(static_cast<size_t>(n));
  for (float& value : out) value = normal(random);
  return out;
}

class VectorCompare {
 public:
  VectorCompare(const VectorKernels& level, const VectorKernels& reference) : level_(level), reference_(reference) {}

  // One sentence for each difference, at most a few for each kernel.
  std::vector<std::string> differences() {
    for (const int64_t n : kTails) {
      reductions(n);
      elementwise(n);
      norms(n);
      gates(n);
      if (n % 2 == 0) ropes(n);
      halves(n);
    }
    extremes();
    all_halves();
    return std::move(found_);
  }

 private:
  // |a - b| <= relative * magnitude, or both the same infinity, or both NaN.
  void same(const char* what, int64_t n, int64_t i, float got, float want, double relative, double magnitude) {
    if (std::isnan(want) && std::isnan(got)) return;
    if (got == want) return;
    if (std::abs(static_cast<double>(got) - static_cast<double>(want)) <= relative * magnitude) return;
    if (found_.size() > 50) return;
    found_.push_back(std::string(what) + " n=" + std::to_string(n) + " element " + std::to_string(i) + ": " +
                     std::to_string(got) + ", reference " + std::to_string(want));
  }
  void same(const char* what, const Floats& got, const Floats& want, double relative, double absolute = 0.0) {
    const auto n = static_cast<int64_t>(want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      const double size = std::abs(static_cast<double>(want[i]));
      same(what, n, static_cast<int64_t>(i), got[i], want[i], 1.0, relative * size + absolute);
    }
  }
  // Runs `kernel` on both levels over copies of `out` with a guard behind, which must stay as it was.
  template <typename Kernel>
  void check(const char* what, const Floats& out, double relative, double absolute, const Kernel& kernel) {
    Floats got(out);
    Floats want(out);
    got.push_back(-77.0F);
    want.push_back(-77.0F);
    const float got_value = kernel(level_, got.data());
    const float want_value = kernel(reference_, want.data());
    const auto n = static_cast<int64_t>(out.size());
    same(what, n, -1, got_value, want_value, relative + 1e-6,
         std::abs(static_cast<double>(want_value)) + absolute * 1e6);
    same(what, got, want, relative, absolute);
  }

  void reductions(int64_t n) {
    const Floats x = random_vector(n, random_);
    const Floats y = random_vector(n, random_);
    double size = 1e-30;
    for (int64_t i = 0; i < n; ++i) size += std::abs(static_cast<double>(x[at(i)]) * static_cast<double>(y[at(i)]));
    same("dot", n, -1, level_.dot(x.data(), y.data(), n), reference_.dot(x.data(), y.data(), n), 4e-7, size);
    same("max", n, -1, level_.max(x.data(), n), reference_.max(x.data(), n), 0, 0);
    const float squares = reference_.sum_squares(x.data(), n);
    same("sum_squares", n, -1, level_.sum_squares(x.data(), n), squares, 1e-6, static_cast<double>(squares));
    Floats below(x);
    for (float& value : below) value = -std::abs(value) - 1.0F;  // zeros read past the end would win
    same("max", n, -1, level_.max(below.data(), n), reference_.max(below.data(), n), 0, 0);
    check("sum_exp", x, 3e-7, 0, [&](const VectorKernels& k, float* out) { return k.sum_exp(out, 0.5F, n); });
  }

  void elementwise(int64_t n) {
    const Floats x = random_vector(n, random_);
    const Floats y = random_vector(n, random_);
    const auto run = [&](const char* what, double absolute, const auto& kernel) {
      check(what, y, 0, absolute, [&](const VectorKernels& k, float* out) { return kernel(k, out), 0.0F; });
    };
    run("add", 0, [&](const VectorKernels& k, float* out) { k.add(x.data(), y.data(), out, n); });
    run("add in place", 0, [&](const VectorKernels& k, float* out) { k.add(x.data(), out, out, n); });
    run("mul", 0, [&](const VectorKernels& k, float* out) { k.mul(x.data(), y.data(), out, n); });
    run("scale", 0, [&](const VectorKernels& k, float* out) { k.scale(0.7F, x.data(), out, n); });
    run("axpy", 1e-6, [&](const VectorKernels& k, float* out) { k.axpy(0.7F, x.data(), out, n); });
  }

  void norms(int64_t n) {
    const Floats x = random_vector(n, random_, 3.0F);
    const Floats weight = random_vector(n, random_);
    const Floats dy = random_vector(n, random_);
    for (const float* w : {weight.data(), static_cast<const float*>(nullptr)}) {
      check("rms_norm", x, 2e-6, 0,
            [&](const VectorKernels& k, float* out) { return k.rms_norm(x.data(), w, 1e-5F, out, n); });
      check("rms_norm_backward", dy, 1e-6, 4e-6, [&](const VectorKernels& k, float* out) {
        return k.rms_norm_backward(x.data(), w, 0.4F, dy.data(), out, n), 0.0F;
      });
    }
  }

  void gates(int64_t n) {
    gates(random_vector(n, random_, 3.0F), random_vector(n, random_), random_vector(n, random_));
  }
  void gates(const Floats& gate, const Floats& up, const Floats& dout) {
    const auto n = static_cast<int64_t>(gate.size());
    gate_pair("silu", gate, up, dout, n, &VectorKernels::silu_mul, &VectorKernels::silu_mul_backward);
    gate_pair("gelu", gate, up, dout, n, &VectorKernels::gelu_mul, &VectorKernels::gelu_mul_backward);
  }
  template <typename Forward, typename Backward>
  void gate_pair(const char* what, const Floats& gate, const Floats& up, const Floats& dout, int64_t n,
                 Forward VectorKernels::* forward, Backward VectorKernels::* backward) {
    // The exponential's argument carries its own rounding, up to 1e-7 * |z|; beyond |z| = 90 all is 0 or 1.
    check(what, up, 4e-6, 1e-30,
          [&](const VectorKernels& k, float* out) { return (k.*forward)(gate.data(), up.data(), out, n), 0.0F; });
    Floats got_up(at(n));
    Floats want_up(at(n));
    check(what, dout, 4e-6, 3e-6, [&](const VectorKernels& k, float* out) {
      Floats& dup = &k == &level_ ? got_up : want_up;
      return (k.*backward)(gate.data(), up.data(), dout.data(), out, dup.data(), n), 0.0F;
    });
    same(what, got_up, want_up, 4e-6, 1e-30);
  }

  void ropes(int64_t n) {
    const Floats x = random_vector(n, random_);
    Floats cos(at(n / 2));
    Floats sin(at(n / 2));
    for (int64_t i = 0; i < n / 2; ++i) {
      cos[at(i)] = std::cos(0.3F * static_cast<float>(i));
      sin[at(i)] = std::sin(0.3F * static_cast<float>(i));
    }
    for (const RopeLayout layout : {RopeLayout::kNorm, RopeLayout::kNeox}) {
      check("rope", x, 0, 1e-6,
            [&](const VectorKernels& k, float* out) { return k.rope(out, cos.data(), sin.data(), n, layout), 0.0F; });
    }
  }

  void conversions(const Floats& x) {
    const auto n = static_cast<int64_t>(x.size());
    std::vector<f16> got(x.size() + 1, f16{77});
    std::vector<f16> want(got);
    level_.f32_to_f16(x.data(), got.data(), n);
    reference_.f32_to_f16(x.data(), want.data(), n);
    for (size_t i = 0; i < got.size(); ++i) {
      if (got[i].bits != want[i].bits) {
        same("f16", n, static_cast<int64_t>(i), static_cast<float>(got[i].bits), static_cast<float>(want[i].bits), 0,
             0);
      }
    }
    Floats back(x.size() + 1, -77.0F);
    Floats reference_back(back);
    level_.f16_to_f32(want.data(), back.data(), n);
    reference_.f16_to_f32(want.data(), reference_back.data(), n);
    same("f16", back, reference_back, 0);
  }
  void halves(int64_t n) { conversions(random_vector(n, random_, 100.0F)); }

  void extremes() {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const Floats wide = {0.0F,    -0.0F,   87.0F,  88.6F,  88.8F, -86.0F, -87.3F, -88.0F, -95.0F, -103.0F,
                         -104.0F, -110.0F, -1e4F,  -1e30F, -kInf, kInf,   1e-30F, -1e-8F, 1e4F,   3e38F,
                         -3e38F,  1e19F,   -1e19F, 1e-45F, 50.0F, -50.0F, 20.0F,  -20.0F, 5.0F,   -5.0F};
    // Results below the smallest normal number (1.2e-38) are exact to a few of the smallest subnormals.
    check("sum_exp, extreme", wide, 3e-7, 6e-45,
          [&](const VectorKernels& k, float* out) { return k.sum_exp(out, 0.0F, static_cast<int64_t>(wide.size())); });
    Floats finite(wide);
    std::erase_if(finite, [](float v) { return std::isinf(v); });
    gates(finite, Floats(finite.size(), 1.0F), Floats(finite.size(), 1.0F));
    Floats sweep;
    for (float v = -105.0F; v < 90.0F; v += 0.0137F) sweep.push_back(v);
    check("sum_exp, sweep", sweep, 3e-7, 6e-45,
          [&](const VectorKernels& k, float* out) { return k.sum_exp(out, 0.0F, static_cast<int64_t>(sweep.size())); });
    Floats nan = {1.0F, std::numeric_limits<float>::quiet_NaN(), 2.0F};
    level_.sum_exp(nan.data(), 0.0F, 3);
    if (!std::isnan(nan[1])) found_.emplace_back("sum_exp loses a NaN");
  }

  void all_halves() {
    Floats exact(65536);
    Floats brain(65536);
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      exact[bits] = to_f32(f16{static_cast<uint16_t>(bits)});
      brain[bits] = to_f32(bf16{static_cast<uint16_t>(bits)});
    }
    conversions(exact);
    conversions(brain);
    // Each half, the midpoint to the next, and the floats on both sides of the midpoint.
    Floats edges;
    for (uint32_t bits = 0; bits < 0x7C00; ++bits) {
      const float middle = exact[bits] * 0.5F + (bits == 0x7BFF ? 65536.0F : exact[bits + 1]) * 0.5F;
      for (const float sign : {1.0F, -1.0F}) {
        edges.push_back(sign * middle);
        edges.push_back(sign * std::nextafter(middle, 0.0F));
        edges.push_back(sign * std::nextafter(middle, 1e38F));
      }
    }
    for (int i = 0; i < 200000; ++i) edges.push_back(std::bit_cast<float>(static_cast<uint32_t>(random_())));
    conversions(edges);
  }

  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  const VectorKernels& level_;
  const VectorKernels& reference_;
  std::mt19937 random_{11};
  std::vector<std::string> found_;
};

struct GemmCase {
  bool trans_a, trans_b;
  int64_t m, n, k;
  float alpha, beta;
};

// Compares with plain f64 sums; rows of C are 3 floats apart from what they hold, and the gaps must not change.
inline std::vector<std::string> sgemm_differences(const VectorKernels& kernels, const GemmCase& shape,
                                                  std::mt19937& random) {
  const int64_t lda = (shape.trans_a ? shape.m : shape.k) + 2;
  const int64_t ldb = (shape.trans_b ? shape.k : shape.n) + 1;
  const int64_t ldc = shape.n + 3;
  const Floats a = random_vector((shape.trans_a ? shape.k : shape.m) * lda, random);
  const Floats b = random_vector((shape.trans_b ? shape.n : shape.k) * ldb, random);
  Floats c = random_vector(shape.m * ldc, random);
  if (shape.beta == 0.0F) std::fill(c.begin(), c.end(), std::numeric_limits<float>::quiet_NaN());
  const Floats before(c);
  kernels.sgemm(shape.trans_a, shape.trans_b, shape.m, shape.n, shape.k, shape.alpha, a.data(), lda, b.data(), ldb,
                shape.beta, c.data(), ldc);
  std::vector<std::string> found;
  const auto complain = [&](int64_t i, int64_t j, double got, double want) {
    found.push_back("sgemm " + std::to_string(shape.trans_a) + std::to_string(shape.trans_b) + " " +
                    std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" + std::to_string(shape.k) + " at " +
                    std::to_string(i) + "," + std::to_string(j) + ": " + std::to_string(got) + ", expected " +
                    std::to_string(want));
  };
  for (int64_t i = 0; i < shape.m && found.size() < 3; ++i) {
    for (int64_t j = 0; j < ldc; ++j) {
      const auto index = static_cast<size_t>(i * ldc + j);
      if (j >= shape.n) {
        if (std::bit_cast<uint32_t>(c[index]) != std::bit_cast<uint32_t>(before[index])) complain(i, j, c[index], 0);
        continue;
      }
      double sum = 0;
      double size = 1e-30;
      for (int64_t p = 0; p < shape.k; ++p) {
        const double left = a[static_cast<size_t>(shape.trans_a ? p * lda + i : i * lda + p)];
        const double right = b[static_cast<size_t>(shape.trans_b ? j * ldb + p : p * ldb + j)];
        sum += left * right;
        size += std::abs(left * right);
      }
      const double old =
          shape.beta == 0.0F ? 0.0 : static_cast<double>(shape.beta) * static_cast<double>(before[index]);
      const double want = static_cast<double>(shape.alpha) * sum + old;
      const double allowed = 2e-6 * (std::abs(static_cast<double>(shape.alpha)) * size + std::abs(old));
      if (!(std::abs(static_cast<double>(c[index]) - want) <= allowed)) complain(i, j, c[index], want);
    }
  }
  return found;
}

// Whether rows of C, computed in parts, are what they are together.
inline std::vector<std::string> sgemm_rows_that_differ(const VectorKernels& kernels, const GemmCase& shape,
                                                       std::span<const int64_t> cuts, std::mt19937& random) {
  const int64_t lda = shape.trans_a ? shape.m : shape.k;
  const int64_t ldb = shape.trans_b ? shape.k : shape.n;
  const Floats a = random_vector(shape.m * shape.k, random);
  const Floats b = random_vector(shape.n * shape.k, random);
  Floats together(static_cast<size_t>(shape.m * shape.n));
  Floats parts(together);
  kernels.sgemm(shape.trans_a, shape.trans_b, shape.m, shape.n, shape.k, 0.5F, a.data(), lda, b.data(), ldb, 0.0F,
                together.data(), shape.n);
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    const float* rows = a.data() + cuts[i] * (shape.trans_a ? 1 : lda);
    kernels.sgemm(shape.trans_a, shape.trans_b, cuts[i + 1] - cuts[i], shape.n, shape.k, 0.5F, rows, lda, b.data(), ldb,
                  0.0F, parts.data() + cuts[i] * shape.n, shape.n);
  }
  if (together == parts) return {};
  return {"sgemm " + std::to_string(shape.trans_a) + std::to_string(shape.trans_b) + " rows of " +
          std::to_string(shape.n) + " columns, " + std::to_string(shape.k) + " deep depend on each other"};
}

inline std::vector<std::string> sgemm_differences(const VectorKernels& kernels) {
  std::mt19937 random(5);
  std::vector<std::string> found;
  const auto run = [&](const GemmCase& shape) {
    const auto some = sgemm_differences(kernels, shape, random);
    found.insert(found.end(), some.begin(), some.end());
  };
  for (const int transposed : {0, 1, 2, 3}) {
    const bool ta = (transposed & 1) != 0;
    const bool tb = (transposed & 2) != 0;
    for (const int64_t m : {0, 1, 2, 3, 4, 6, 7, 12, 13, 31}) {
      for (const int64_t n : {0, 1, 4, 7, 8, 16, 17, 31, 33, 65}) {
        for (const int64_t k : {0, 1, 3, 8, 15, 17, 64}) run({ta, tb, m, n, k, 1.0F, 0.0F});
      }
    }
    for (const float beta : {0.0F, 1.0F, -0.5F}) {
      run({ta, tb, 1, 63, 600, 0.5F, beta});
      run({ta, tb, 3, 130, 257, 0.5F, beta});
      run({ta, tb, 5, 255, 515, 2.0F, beta});
      run({ta, tb, 64, 64, 128, 0.125F, beta});
      run({ta, tb, 33, 300, 300, -1.0F, beta});
      run({ta, tb, 5, 5000, 8, 0.5F, beta});  // the narrow products of adapters, and more columns than go at once
      run({ta, tb, 7, 600, 100, 0.5F, beta});
      for (const int64_t m : {1, 2, 3, 4, 8, 13, 29}) {
        for (const int64_t n : {1, 4, 8, 11, 16, 17})
          run({ta, tb, m, n, m == 4 ? 1024 : m == 8 ? 511 : 512, 0.5F, beta});
      }
    }
  }
  for (const int64_t n : {8, 16, 40, 300}) {
    for (const int64_t k : {8, 64, 600}) {
      const bool dots = n <= kSgemmDotColumns && k >= kSgemmDotDepth;
      const std::vector<int64_t> cuts =
          dots ? std::vector<int64_t>{0, 1, 3, 6, 29} : std::vector<int64_t>{0, 4, 16, 29};
      for (const bool ta : {false, true}) {
        const auto some = sgemm_rows_that_differ(kernels, {ta, !ta, 29, n, k, 0.5F, 0.0F}, cuts, random);
        found.insert(found.end(), some.begin(), some.end());
      }
    }
  }
  return found;
}

}  // namespace patina::kernels::testing
