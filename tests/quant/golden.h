#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "quant/dtype.h"

// The files of tests/golden/quant, made by scripts/golden/quant.py.
namespace patina::quant {

inline constexpr std::array kAllTypes = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,  DType::kQ4_1,
                                         DType::kQ5_0, DType::kQ5_1, DType::kQ8_0, DType::kQ2_K,  DType::kQ3_K,
                                         DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL};

inline std::string golden_path(const std::string& file) {
  return std::string(PATINA_SOURCE_DIR) + "/tests/golden/quant/" + file;
}

template <typename T>
std::vector<T> read_golden(const std::string& file) {
  std::ifstream stream(golden_path(file), std::ios::binary);
  EXPECT_TRUE(stream.is_open()) << golden_path(file);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

inline std::string test_name(const testing::TestParamInfo<DType>& param) { return std::string(name(param.param)); }

}  // namespace patina::quant
