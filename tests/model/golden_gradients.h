#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "io/model_file.h"

// The files of scripts/golden/gradients.py, and what is compared with their tensors.
namespace patina::model {

inline std::filesystem::path golden_gradients(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/gradients" / name;
}

// Of a tensor of f32.
inline std::span<const float> floats(const io::TensorInfo& tensor) {
  return {reinterpret_cast<const float*>(tensor.data.data()), static_cast<size_t>(tensor.elements())};
}

// Relative to the expected values' own size.
inline void expect_near(std::span<const float> actual, std::span<const float> expected, const std::string& what) {
  constexpr double kTolerance = 2e-4;
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    error += std::pow(static_cast<double>(actual[i]) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  EXPECT_LT(std::sqrt(error), kTolerance * std::sqrt(size) + 1e-7) << what;
}

}  // namespace patina::model
