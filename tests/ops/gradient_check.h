#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "autograd/tape.h"
#include "kernels/dispatch.h"
#include "ops/context.h"
#include "threading/thread_pool.h"

namespace patina::ops {

// A pool of two threads, memory, and random tensors.
class OpsTest : public testing::Test {
 protected:
  Tensor random(int64_t rows, int64_t cols, bool needs_grad = true) {
    Tensor x = buffers_.make(rows, cols);
    for (float& value : x.values()) value = std::normal_distribution<float>()(random_);
    x.set_needs_grad(needs_grad);
    return x;
  }

  Tensor copy(const Tensor& x) {
    Tensor y = buffers_.make(x.rows(), x.cols());
    std::copy_n(x.data(), x.size(), y.data());
    y.set_needs_grad(x.needs_grad());
    return y;
  }

  using Operation = std::function<Tensor(Context&, const std::vector<Tensor>&)>;

  // Compares the gradients of sum(c * operation(inputs)), c random, with differences over steps of 2e-2 around a sample
  // of each input's elements. In f32 the difference of sums of n terms carries a rounding error of some 1e-6 sqrt(n) /
  // step, and the step's own error is of the order of its square: hence 1e-2 relative to the gradient's typical size.
  void expect_gradients(const std::vector<Tensor>& inputs, const Operation& operation) {
    const auto run = [&](autograd::Tape& recorder) {
      std::vector<Tensor> copies;
      copies.reserve(inputs.size());
      for (const Tensor& x : inputs) copies.push_back(copy(x));
      context_.recorder = &recorder;
      Tensor result = operation(context_, copies);
      context_.recorder = nullptr;
      return std::pair(result, copies);
    };
    autograd::Tape tape(buffers_);
    const auto [out, used] = run(tape);
    ASSERT_TRUE(out.needs_grad());
    const Tensor c = random(out.rows(), out.cols(), false);
    tape.backward(context_, out, copy(c));
    const auto loss = [&] {
      autograd::Tape unused(buffers_);
      const Tensor value = run(unused).first;
      double sum = 0;
      for (int64_t i = 0; i < value.size(); ++i) sum += static_cast<double>(value.data()[i]) * c.data()[i];
      return sum;
    };
    for (size_t n = 0; n < inputs.size(); ++n) {
      if (!inputs[n].needs_grad()) continue;
      const Tensor gradient = tape.gradient(used[n]);
      ASSERT_TRUE(gradient) << "no gradient reached input " << n;
      compare(inputs[n], gradient, loss, n);
    }
  }

  std::mt19937 random_{7};  // NOLINT(bugprone-random-generator-seed): the same figures in every run
  ThreadPool pool_{2};
  tensor::BufferPool buffers_;
  Context context_{
      .pool = pool_, .kernels = kernels::default_kernels(), .buffers = buffers_, .recorder = nullptr, .precise = true};

 private:
  static void compare(const Tensor& input, const Tensor& gradient, const std::function<double()>& loss, size_t n) {
    constexpr float kStep = 2e-2F;
    constexpr int64_t kSamples = 24;
    double size = 0;
    for (const float g : gradient.values()) size += static_cast<double>(g) * g;
    size = std::sqrt(size / static_cast<double>(gradient.size()));
    const int64_t stride = std::max<int64_t>(1, input.size() / kSamples);
    for (int64_t i = 0; i < input.size(); i += stride) {
      const float kept = input.data()[i];
      input.data()[i] = kept + kStep;
      const double above = loss();
      input.data()[i] = kept - kStep;
      const double below = loss();
      input.data()[i] = kept;
      const double expected = (above - below) / (2.0 * kStep);
      EXPECT_NEAR(gradient.data()[i], expected, 1e-2 * (size + std::abs(expected)))
          << "input " << n << " element " << i;
    }
  }
};

}  // namespace patina::ops
