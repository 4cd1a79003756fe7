#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"
#include "kernels/matmul.h"
#include "quant/blocks.h"
#include "quant/dequantize.h"
#include "quant/dtype.h"

namespace patina::kernels::testing {

using quant::DType;

inline constexpr DType kQuantizedTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,  DType::kQ5_1,
                                            DType::kQ8_0, DType::kQ2_K, DType::kQ3_K,  DType::kQ4_K,
                                            DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL};
inline constexpr DType kAllTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,  DType::kQ8_0,
                                      DType::kQ2_K, DType::kQ3_K, DType::kQ4_K, DType::kQ5_K,  DType::kQ6_K,
                                      DType::kF32,  DType::kF16,  DType::kBF16, DType::kIQ4_NL};

// 64-byte aligned storage.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <typename U>
  explicit AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t{64}); }
  bool operator==(const AlignedAllocator&) const { return true; }
};
template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

// Overwrites the f16 fields of a block, which random bytes would make infinite, with numbers of 0.0005 to 0.02.
inline void set_scales(DType type, std::byte* block, std::mt19937& random) {
  std::uniform_real_distribution<float> magnitude(0.0005F, 0.02F);
  const auto put = [&](size_t offset) {
    const f16 value = to_f16(random() % 2 != 0 ? magnitude(random) : -magnitude(random));
    std::memcpy(block + offset, &value, sizeof(value));
  };
  switch (type) {
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      put(2);
      put(0);
      return;
    case DType::kQ2_K:
      put(offsetof(quant::BlockQ2_K, d));
      put(offsetof(quant::BlockQ2_K, dmin));
      return;
    case DType::kQ3_K:
      put(offsetof(quant::BlockQ3_K, d));
      return;
    case DType::kQ6_K:
      put(offsetof(quant::BlockQ6_K, d));
      return;
    default:
      put(0);
  }
}

// A random matrix as it lies in a file, its dequantized weights, and its packed form.
struct Matrix {
  Matrix(DType dtype, int64_t row_count, int64_t column_count, std::mt19937& random)
      : type(dtype), rows(row_count), cols(column_count) {
    const quant::DTypeInfo& info = quant::info(type);
    file.resize(static_cast<size_t>(rows * quant::row_bytes(type, cols)));
    for (std::byte& byte : file) byte = static_cast<std::byte>(random());
    for (size_t block = 0; block < file.size(); block += static_cast<size_t>(info.block_bytes)) {
      if (!quant::is_float(type)) {
        set_scales(type, file.data() + block, random);
        continue;
      }
      const float value = std::normal_distribution<float>(0.0F, 0.05F)(random);
      const f16 half = to_f16(value);
      const bf16 brain = to_bf16(value);
      if (type == DType::kF32) std::memcpy(file.data() + block, &value, sizeof(value));
      if (type == DType::kF16) std::memcpy(file.data() + block, &half, sizeof(half));
      if (type == DType::kBF16) std::memcpy(file.data() + block, &brain, sizeof(brain));
    }
    weights.resize(static_cast<size_t>(rows * cols));
    quant::dequantize(type, file, weights);
    packed.assign(static_cast<size_t>(panel_count(rows) * panel_bytes(type, cols)), std::byte{0xA5});
    pack_panels(type, file.data(), rows, cols, panels(), packed.data());
  }

  PackedView view() const { return {type, packed.data(), rows, cols}; }
  Range panels() const { return {0, panel_count(rows)}; }
  double at(int64_t r, int64_t k) const { return weights[static_cast<size_t>(r * cols + k)]; }

  DType type;
  int64_t rows;
  int64_t cols;
  std::vector<std::byte> file;
  std::vector<float> weights;
  AlignedVector<std::byte> packed;
};

inline std::vector<float> random_floats(int64_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<size_t>(n));
  for (float& value : out) value = normal(random);
  return out;
}

// Both quantized products of a level: x [m x cols] with w, and dy [m x rows] with it transposed.
struct Products {
  std::vector<float> forward;
  std::vector<float> backward;
};

inline Products products(const MatmulKernels& kernels, const Matrix& w, const std::vector<float>& x,
                         const std::vector<float>& dy, int64_t m) {
  AlignedVector<float> scratch(static_cast<size_t>(kScratchFloats));
  const ActsForm form = kernels.acts_form(w.type);
  AlignedVector<std::byte> acts(static_cast<size_t>(kernels.quantized_acts_bytes(form, m, w.cols)));
  kernels.quantize_acts(form, {x.data(), w.cols}, m, w.cols, {0, m}, acts.data());
  Products out;
  out.forward.resize(static_cast<size_t>(m * w.rows));
  kernels.matmul_rounded(w.view(), w.panels(), acts.data(), m, {out.forward.data(), w.rows}, scratch.data());
  AlignedVector<std::byte> gradients(static_cast<size_t>(kernels.quantized_gradients_bytes(w.type, m, w.rows)));
  kernels.quantize_gradients(w.type, {dy.data(), w.rows}, m, w.rows, {0, m}, gradients.data());
  out.backward.resize(x.size());
  kernels.matmul_backward_rounded(w.view(), {0, w.cols}, gradients.data(), m, {out.backward.data(), w.cols},
                                  scratch.data());
  return out;
}

// Calls f(products of `first`, products of `second`, where) for every quantized type, a matrix of `rows` rows and each
// of the counts of tokens.
template <typename F>
void compare_products(const MatmulKernels& first, const MatmulKernels& second, int64_t rows,
                      std::initializer_list<int64_t> tokens, const F& f) {
  std::mt19937 random(4);
  for (const DType type : kQuantizedTypes) {
    const Matrix w(type, rows, 3 * 256, random);
    for (const int64_t m : tokens) {
      const std::vector<float> x = random_floats(m * w.cols, random);
      const std::vector<float> dy = random_floats(m * w.rows, random);
      const std::string where = std::string(quant::name(type)) + " m=" + std::to_string(m);
      f(products(first, w, x, dy, m), products(second, w, x, dy, m), where);
    }
  }
}

}  // namespace patina::kernels::testing
