#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace patina::adapter {

// Eigenvalues in descending order, and their unit vectors, vector i in [i * n, (i + 1) * n).
struct EigenSystem {
  std::vector<double> values;
  std::vector<double> vectors;
};

// Of the symmetric matrix X X^T, for X of `n` rows; by Jacobi's rotations, for n up to some hundreds.
EigenSystem eigen_of_products(std::span<const float> x, int64_t n);

}  // namespace patina::adapter
