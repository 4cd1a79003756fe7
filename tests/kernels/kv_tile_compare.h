#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/kv_tile.h"
#include "kernels/vector_compare.h"

// Holds one level's products with tiles of a cache against another's, without a test library, so that it serves
// emulated machines too.
namespace patina::kernels::testing {

struct KvTileCase {
  quant::DType type;
  int64_t dim;
  int64_t m;
  int64_t count;  // of positions
};

class KvTileCompare {
 public:
  KvTileCompare(const KvTileKernels& level, const KvTileKernels& reference) : level_(level), reference_(reference) {}

  // One sentence for each difference.
  std::vector<std::string> differences() {
    for (const int64_t m : {1, 2, 3, 7, 8, 13, 30, 64, 70}) {
      for (const int64_t count : {1, 16, 17, 40, 63, 64}) {
        for (const int64_t dim : {4, 5, 16, 40, 65, 80, 256}) compare({quant::DType::kF16, dim, m, count});
        for (const int64_t dim : {32, 64, 96, 256}) compare({quant::DType::kQ8_0, dim, m, count});
      }
    }
    return std::move(found_);
  }

 private:
  using Bytes = std::vector<std::byte>;

  void compare(const KvTileCase& c) {
    const auto bytes = static_cast<size_t>(kKvTile * quant::row_bytes(c.type, c.dim));
    // Positions that are not filled hold no numbers, which must not reach those that are.
    Bytes keys(bytes, std::byte{0xFF});
    Bytes values(bytes, std::byte{0xFF});
    for (int64_t position = 0; position < c.count; ++position) {
      const Floats x = random_vector(c.dim, random_);
      Bytes reference_keys = keys;
      Bytes reference_values = values;
      level_.store_key(c.type, x.data(), c.dim, position, keys.data());
      level_.store_value(c.type, x.data(), c.dim, position, values.data());
      reference_.store_key(c.type, x.data(), c.dim, position, reference_keys.data());
      reference_.store_value(c.type, x.data(), c.dim, position, reference_values.data());
      if (keys != reference_keys) tell("a stored key", c);
      if (values != reference_values) tell("a stored value", c);
    }
    compare_keys(c, keys);
    compare_values(c, values);
  }

  void compare_keys(const KvTileCase& c, const Bytes& keys) {
    const Floats q = random_vector(c.m * c.dim, random_);
    const auto multiply = [&](const KvTileKernels& k, int64_t first, int64_t rows) {
      Floats out(at(rows * kKvTile), kUntouched);
      k.multiply_keys(c.type, q.data() + first * c.dim, rows, c.dim, keys.data(), c.count, out.data());
      return out;
    };
    const Floats got = multiply(level_, 0, c.m);
    const Floats want = multiply(reference_, 0, c.m);
    const Floats last = multiply(level_, c.m - 1, 1);
    const int64_t end = (c.count + kKeyPanel - 1) / kKeyPanel * kKeyPanel;
    bool same = true;
    for (int64_t i = 0; i < c.m * kKvTile; ++i) {
      const int64_t s = i % kKvTile;
      if (s < c.count) same = same && near(got[at(i)], want[at(i)], c.dim);
      if (s >= end) same = same && got[at(i)] == kUntouched;
      if (s < c.count && i / kKvTile == c.m - 1) same = same && got[at(i)] == last[at(s)];
    }
    if (!same) tell("multiply_keys", c);
  }

  void compare_values(const KvTileCase& c, const Bytes& values) {
    const Floats weights = random_vector(c.m * kKvTile, random_);
    const Floats before = random_vector(c.m * c.dim, random_);
    const auto add = [&](const KvTileKernels& k, int64_t first, int64_t rows) {
      Floats sums(before.begin() + first * c.dim, before.begin() + (first + rows) * c.dim);
      sums.push_back(kUntouched);
      k.add_values(c.type, weights.data() + first * kKvTile, rows, c.dim, values.data(), c.count, sums.data());
      return sums;
    };
    const Floats got = add(level_, 0, c.m);
    const Floats want = add(reference_, 0, c.m);
    const Floats last = add(level_, c.m - 1, 1);
    bool same = got.back() == kUntouched;
    for (int64_t i = 0; i < c.m * c.dim; ++i) same = same && near(got[at(i)], want[at(i)], c.count);
    for (int64_t d = 0; d < c.dim; ++d) same = same && got[at((c.m - 1) * c.dim + d)] == last[at(d)];
    if (!same) tell("add_values", c);
  }

  static constexpr float kUntouched = -77.0F;
  static size_t at(int64_t i) { return static_cast<size_t>(i); }
  // Sums of so many products of numbers from a normal distribution.
  static bool near(float got, float want, int64_t products) {
    return std::abs(got - want) <= 1e-6F * static_cast<float>(products);
  }
  void tell(const char* what, const KvTileCase& c) {
    found_.push_back(std::string(what) + " of " + std::to_string(c.m) + " rows, " + std::to_string(c.count) +
                     " positions, " + std::to_string(c.dim) + (c.type == quant::DType::kF16 ? " F16" : " Q8_0"));
  }

  const KvTileKernels& level_;
  const KvTileKernels& reference_;
  std::mt19937 random_{5};
  std::vector<std::string> found_;
};

}  // namespace patina::kernels::testing
