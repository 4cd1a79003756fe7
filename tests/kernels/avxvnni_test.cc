#if defined(__x86_64__)

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "kernels/avxvnni_emulated.h"
#include "kernels/dispatch.h"
#include "kernels/matmul_cases.h"
#include "kernels/matmul_levels.h"

// That the emulation of AVX-VNNI, which matmul_test.cc takes through all its tests, is one.
namespace patina::kernels {
namespace {

// Often the extremes, whose sums would saturate if they were formed in 16 bits.
template <typename T, size_t N>
void fill(T (&values)[N], std::mt19937& random) {
  using Limits = std::numeric_limits<T>;
  for (T& value : values) {
    const unsigned kind = random() % 4;
    value = kind == 0 ? Limits::min() : kind == 1 ? Limits::max() : static_cast<T>(random());
  }
}

// What an instruction (Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2, VPDPBUSD and VPDPWSSD)
// makes of `sum`: to each of its lanes kTogether neighbouring products are added, modulo 2^32.
template <size_t kTogether, typename A, typename B>
std::vector<int32_t> sums_of_products(const int32_t (&sum)[8], const A& a, const B& b) {
  std::vector<int32_t> out;
  for (size_t lane = 0; lane < 8; ++lane) {
    int64_t exact = sum[lane];
    for (size_t i = lane * kTogether; i < (lane + 1) * kTogether; ++i) exact += int64_t{a[i]} * int64_t{b[i]};
    out.push_back(static_cast<int32_t>(static_cast<uint32_t>(exact)));
  }
  return out;
}

TEST(AvxVnni, TheEmulationAddsExactProducts) {
  if (!testing::is_available(Level::kAvx2)) GTEST_SKIP() << "this processor has no AVX2";
  std::mt19937 random(3);
  for (int round = 0; round < 1000; ++round) {
    int32_t sum[8];
    fill(sum, random);
    uint8_t codes[32];
    int8_t factors[32];
    fill(codes, random);
    fill(factors, random);
    const std::vector<int32_t> bytes = sums_of_products<4>(sum, codes, factors);
    testing::emulated_add_bytes(sum, codes, factors);
    ASSERT_EQ(std::vector<int32_t>(sum, sum + 8), bytes) << "round " << round;
    int16_t pairs[16];
    int16_t wide_factors[16];
    fill(pairs, random);
    fill(wide_factors, random);
    const std::vector<int32_t> words = sums_of_products<2>(sum, pairs, wide_factors);
    testing::emulated_add_pairs(sum, pairs, wide_factors);
    ASSERT_EQ(std::vector<int32_t>(sum, sum + 8), words) << "round " << round;
  }
}

TEST(AvxVnni, TheInstructionsGiveTheBitsOfTheEmulation) {
  if (!testing::is_available(Level::kAvxVnni))
    GTEST_SKIP() << "this processor has no AVX-VNNI; only its emulation is tested";
  testing::expect_the_bits_of(testing::kMatmulAvxVnniEmulated, kernels_for(Level::kAvxVnni).matmul,
                              {1, 2, 3, 4, 5, 6, 7, 8, 19});
}

}  // namespace
}  // namespace patina::kernels

#endif
