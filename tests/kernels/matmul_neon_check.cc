#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "kernels/levels.h"
#include "kernels/matmul_fixture.h"
#include "kernels/packed_layout.h"

// NEON against scalar, without a test library, so that it can be cross-compiled and run by an emulator. Prints each
// difference; exits with 1 if there is any. The scalar level is proven by matmul_test.cc.
namespace patina::kernels::testing {
namespace {

// Both levels are within n u S of the exact sum (see matmul_test.cc); `magnitude` bounds S.
bool close(float a, float b, int64_t terms, double magnitude) {
  const double allowed = 2.0 * (8.0 + 2.0 * std::sqrt(static_cast<double>(terms))) * 0x1p-24 * magnitude;
  return std::abs(static_cast<double>(a) - static_cast<double>(b)) <= allowed;
}

class Check {
 public:
  Check(DType type, int64_t rows, int64_t m, std::mt19937& random)
      : w_(type, rows, columns(type, random), random),
        m_(m),
        x_(random_floats(m * w_.cols, random)),
        dy_(random_floats(m * w_.rows, random)) {}

  int failures() const {
    int count = report("unpack", unpacked(kMatmulScalar), unpacked(kMatmulNeon), 0, 0.0);
    count += report("forward", forward(kMatmulScalar), forward(kMatmulNeon), w_.cols, largest_sum(w_.cols, x_));
    count += report("backward", backward(kMatmulScalar), backward(kMatmulNeon), w_.rows, largest_sum(w_.rows, dy_));
    count += report("sketch", sketched(kMatmulScalar), sketched(kMatmulNeon), 0, 0.0);
    if (!quant::is_float(w_.type)) {
      // Offsets and zero points are a few times as large as the weights that they make.
      const double magnitude = 8.0 * largest_sum(w_.cols, x_);
      count += report("integer backward", integer_backward(kMatmulScalar), integer_backward(kMatmulNeon), w_.rows,
                      largest_sum(w_.rows, dy_));
      count += report("quantized", quantized(kMatmulScalar), quantized(kMatmulNeon), w_.cols / 8, magnitude);
    }
    return count;
  }

 private:
  static int64_t columns(DType type, std::mt19937& random) {
    const int64_t block = quant::is_float(type) ? 32 : quant::info(type).block_elements;
    return block * static_cast<int64_t>(1 + random() % (block == 32 ? 9 : 5));
  }
  double largest_sum(int64_t terms, const std::vector<float>& factors) const {
    const auto largest = [](const std::vector<float>& v) {
      double out = 0.0;
      for (const float value : v) out = std::max(out, std::abs(static_cast<double>(value)));
      return out;
    };
    return std::sqrt(static_cast<double>(terms)) * largest(w_.weights) * largest(factors);
  }
  std::vector<float> unpacked(const MatmulKernels& kernels) const {
    std::vector<float> out(static_cast<size_t>(panel_count(w_.rows) * kPanelRows * w_.cols));
    for (int64_t p = 0; p < panel_count(w_.rows); ++p) {
      kernels.unpack_panel(w_.view(), p, {0, w_.cols}, out.data() + p * kPanelRows * w_.cols);
    }
    return out;
  }
  std::vector<float> sketched(const MatmulKernels& kernels) const {
    const int64_t panels = panel_count(w_.rows);
    AlignedVector<std::byte> sketch(static_cast<size_t>(panels * panel_bytes(DType::kQ4_0, w_.cols)));
    std::vector<float> lost(static_cast<size_t>(panels * kPanelRows * w_.cols / kBlockColumns));
    kernels.sketch_panels(w_.view(), w_.panels(), sketch.data(), lost.data());
    std::vector<float> out(static_cast<size_t>(panels * kPanelRows * w_.cols));
    for (int64_t p = 0; p < panels; ++p) {
      kMatmulScalar.unpack_panel({DType::kQ4_0, sketch.data(), w_.rows, w_.cols}, p, {0, w_.cols},
                                 out.data() + p * kPanelRows * w_.cols);
    }
    return out;
  }
  std::vector<float> forward(const MatmulKernels& kernels) const {
    std::vector<float> y(static_cast<size_t>(m_ * w_.rows));
    std::vector<float> scratch(static_cast<size_t>(kScratchFloats));
    kernels.matmul_f32(w_.view(), w_.panels(), {x_.data(), w_.cols}, m_, {y.data(), w_.rows}, scratch.data());
    return y;
  }
  std::vector<float> quantized(const MatmulKernels& kernels) const {
    const ActsForm form = kernels.acts_form(w_.type);
    AlignedVector<std::byte> acts(static_cast<size_t>(kernels.quantized_acts_bytes(form, m_, w_.cols)));
    kernels.quantize_acts(form, {x_.data(), w_.cols}, m_, w_.cols, {0, m_}, acts.data());
    std::vector<float> y(static_cast<size_t>(m_ * w_.rows));
    AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
    kernels.matmul_rounded(w_.view(), w_.panels(), acts.data(), m_, {y.data(), w_.rows}, scratch.data());
    return y;
  }
  std::vector<float> backward(const MatmulKernels& kernels) const {
    std::vector<float> dx(x_);
    std::vector<float> scratch(static_cast<size_t>(kScratchFloats));
    kernels.matmul_backward_f32(w_.view(), {0, w_.cols}, {dy_.data(), w_.rows}, m_, {dx.data(), w_.cols},
                                scratch.data());
    return dx;
  }
  std::vector<float> integer_backward(const MatmulKernels& kernels) const {
    std::vector<float> dx(x_);
    AlignedVector<std::byte> quantized(static_cast<size_t>(kernels.quantized_gradients_bytes(w_.type, m_, w_.rows)));
    kernels.quantize_gradients(w_.type, {dy_.data(), w_.rows}, m_, w_.rows, {0, m_}, quantized.data());
    AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
    kernels.matmul_backward_rounded(w_.view(), {0, w_.cols}, quantized.data(), m_, {dx.data(), w_.cols},
                                    scratch.data());
    return dx;
  }
  int report(const char* what, const std::vector<float>& scalar, const std::vector<float>& neon, int64_t terms,
             double magnitude) const {
    for (size_t i = 0; i < scalar.size(); ++i) {
      if (close(neon[i], scalar[i], terms, magnitude)) continue;
      std::printf("%s %s, %dx%d, m=%d: element %zu is %g, scalar says %g\n", std::string(quant::name(w_.type)).c_str(),
                  what, static_cast<int>(w_.rows), static_cast<int>(w_.cols), static_cast<int>(m_), i,
                  static_cast<double>(neon[i]), static_cast<double>(scalar[i]));
      return 1;
    }
    return 0;
  }

  Matrix w_;
  int64_t m_;
  std::vector<float> x_;
  std::vector<float> dy_;
};

int run() {
  std::mt19937 random(7);
  int failures = 0;
  for (const DType type : kAllTypes) {
    for (const int64_t m : {1, 2, 3, 5, 7, 8, 9, 16, 33}) {
      failures += Check(type, static_cast<int64_t>(1 + random() % 50), m, random).failures();
    }
    failures += Check(type, 300, 50, random).failures();  // more than gradients are rounded together
  }
  std::printf("%d differences\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace patina::kernels::testing

int main() { return patina::kernels::testing::run(); }
