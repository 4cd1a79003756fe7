#include "adapter/small_eigen.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace patina::adapter {
namespace {

// A symmetric matrix on its way to a diagonal one, and the product of the rotations.
class Jacobi {
 public:
  Jacobi(std::vector<double> matrix, size_t n) : n_(n), matrix_(std::move(matrix)), vectors_(n * n) {
    for (size_t i = 0; i < n; ++i) vectors_[i * n + i] = 1;
  }

  void run() {
    constexpr int kMostSweeps = 60;
    for (int sweep = 0; sweep < kMostSweeps && !is_diagonal(); ++sweep) {
      for (size_t p = 0; p < n_; ++p) {
        for (size_t q = p + 1; q < n_; ++q) rotate(p, q);
      }
    }
  }

  EigenSystem result() const {
    std::vector<size_t> order(n_);
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, [&](size_t a, size_t b) { return at(a, a) > at(b, b); });
    EigenSystem system;
    for (const size_t i : order) {
      system.values.push_back(at(i, i));
      for (size_t k = 0; k < n_; ++k) system.vectors.push_back(vectors_[k * n_ + i]);
    }
    return system;
  }

 private:
  double at(size_t i, size_t j) const { return matrix_[i * n_ + j]; }

  bool is_diagonal() const {
    constexpr double kSmall = 1e-24;
    double beside = 0;
    double all = 0;
    for (size_t i = 0; i < n_; ++i) {
      for (size_t j = 0; j < n_; ++j) {
        all += at(i, j) * at(i, j);
        if (i != j) beside += at(i, j) * at(i, j);
      }
    }
    return beside <= kSmall * all;
  }

  // Makes the element (p, q) zero.
  void rotate(size_t p, size_t q) {
    if (at(p, q) == 0) return;
    const double theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
    const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
    const double c = 1 / std::hypot(t, 1.0);
    const double s = t * c;
    for (size_t k = 0; k < n_; ++k) turn(matrix_[k * n_ + p], matrix_[k * n_ + q], c, s);
    for (size_t k = 0; k < n_; ++k) turn(matrix_[p * n_ + k], matrix_[q * n_ + k], c, s);
    for (size_t k = 0; k < n_; ++k) turn(vectors_[k * n_ + p], vectors_[k * n_ + q], c, s);
  }

  static void turn(double& x, double& y, double c, double s) {
    const double old = x;
    x = c * old - s * y;
    y = s * old + c * y;
  }

  size_t n_;
  std::vector<double> matrix_;
  std::vector<double> vectors_;
};

}  // namespace

EigenSystem eigen_of_products(std::span<const float> x, int64_t n) {
  const auto count = static_cast<size_t>(n);
  const size_t length = x.size() / count;
  std::vector<double> products(count * count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (size_t k = 0; k < length; ++k) sum += static_cast<double>(x[i * length + k]) * x[j * length + k];
      products[i * count + j] = products[j * count + i] = sum;
    }
  }
  Jacobi jacobi(std::move(products), count);
  jacobi.run();
  return jacobi.result();
}

}  // namespace patina::adapter
