#include "quant/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "base/half.h"
#include "quant/blocks.h"
#include "quant/dequantize.h"
#include "quant/golden.h"

namespace patina::quant {
namespace {

using Weights = std::vector<float>;

std::vector<std::byte> quantized(DType type, const Weights& in, int64_t row_length) {
  std::vector<std::byte> blocks(static_cast<size_t>(row_bytes(type, static_cast<int64_t>(in.size()))));
  quantize(type, in, blocks, row_length);
  return blocks;
}

Weights round_trip(DType type, const Weights& in, int64_t row_length) {
  Weights out(in.size());
  dequantize(type, quantized(type, in, row_length), out);
  return out;
}

double rmse(const Weights& a, const Weights& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

Weights gauss(std::mt19937& random, size_t size, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  Weights weights(size);
  for (float& w : weights) w = normal(random);
  return weights;
}

size_t block_of(DType type) { return static_cast<size_t>(info(type).block_elements); }

// Steps that fit into the range between the first code and the last.
double codes_in_range(DType type) {
  if (is_float(type)) return 128;
  if (type == DType::kIQ4_NL) return 10;  // by its longest step
  return group_codes(type).max_code;
}

class Quantize : public testing::TestWithParam<DType> {
 protected:
  void expect_refused(const Weights& in, ErrorKind kind, const std::string& part) {
    try {
      quantized(GetParam(), in, static_cast<int64_t>(in.size()));
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_THAT(error.what(), testing::HasSubstr(part));
    }
  }

  Weights block_with(float value) const {
    Weights in(block_of(GetParam()), 0.5F);
    in[in.size() / 2] = value;
    return in;
  }

  std::mt19937 random_{7};
};

TEST_P(Quantize, ErrorIsNoLargerThanLlamaCpps) {
  constexpr size_t kElements = 4096;
  const auto halves = read_golden<f16>("weights.f16");
  std::ifstream golden(golden_path("rmse.txt"));
  size_t kinds = 0;
  std::string type;
  std::string kind;
  double limit = 0;
  while (golden >> type >> kind >> limit) {
    if (type != name(GetParam())) continue;
    ASSERT_LE((kinds + 1) * kElements, halves.size());
    Weights in(kElements);
    std::transform(halves.begin() + static_cast<std::ptrdiff_t>(kinds * kElements),
                   halves.begin() + static_cast<std::ptrdiff_t>((kinds + 1) * kElements), in.begin(),
                   [](f16 value) { return to_f32(value); });
    ++kinds;
    constexpr double kPrinted = 1 + 1e-9;  // the file holds ten digits
    EXPECT_LE(rmse(in, round_trip(GetParam(), in, 1024)), limit * kPrinted) << kind;
  }
  EXPECT_EQ(kinds * kElements, halves.size());
}

// Weights of any scale, spread, offset and sparsity, in rows of any number of blocks: within a block the error stays
// below one step of the codes, had all of the block's range the same step.
TEST_P(Quantize, ErrorStaysBelowOneStep) {
  const double codes = codes_in_range(GetParam());
  for (int round = 0; round < 150; ++round) {
    const size_t row = block_of(GetParam()) * (1 + random_() % 4);
    Weights in = gauss(random_, row * (1 + random_() % 3), std::ldexp(1.0F, static_cast<int>(random_() % 16) - 8));
    const float offset = random_() % 2 == 0 ? 0.0F : in[0];
    const unsigned keep = 1 + random_() % 4;
    for (float& w : in) w = random_() % 4 < keep ? w + offset : 0.0F;
    if (random_() % 4 == 0) in[random_() % in.size()] *= 50;
    const Weights out = round_trip(GetParam(), in, static_cast<int64_t>(row));
    for (size_t b = 0; b < in.size(); b += block_of(GetParam())) {
      const Weights block(in.begin() + static_cast<std::ptrdiff_t>(b),
                          in.begin() + static_cast<std::ptrdiff_t>(b + block_of(GetParam())));
      const Weights restored(out.begin() + static_cast<std::ptrdiff_t>(b),
                             out.begin() + static_cast<std::ptrdiff_t>(b + block_of(GetParam())));
      float peak = 0;
      for (const float w : block) peak = std::max(peak, std::abs(w));
      ASSERT_LE(rmse(block, restored), 2 * peak / codes) << "round " << round << ", element " << b;
    }
  }
}

TEST_P(Quantize, FollowsPowersOfTwoExactly) {
  const Weights in = gauss(random_, 4096, 0.5F);
  Weights larger = in;
  for (float& w : larger) w *= 16;
  Weights expected = round_trip(GetParam(), in, 1024);
  for (float& w : expected) w *= 16;
  EXPECT_EQ(round_trip(GetParam(), larger, 1024), expected);
}

TEST_P(Quantize, RowsAreIndependent) {
  constexpr size_t kRow = 512;
  const Weights in = gauss(random_, 4 * kRow, 0.02F);
  const std::vector<std::byte> together = quantized(GetParam(), in, kRow);
  std::vector<std::byte> apart;
  for (size_t r = 0; r < in.size(); r += kRow) {
    const Weights row(in.begin() + static_cast<std::ptrdiff_t>(r), in.begin() + static_cast<std::ptrdiff_t>(r + kRow));
    const std::vector<std::byte> blocks = quantized(GetParam(), row, kRow);
    apart.insert(apart.end(), blocks.begin(), blocks.end());
  }
  EXPECT_EQ(together, apart);
}

TEST_P(Quantize, ZerosStayZero) {
  const Weights zeros(1024, 0.0F);
  EXPECT_EQ(round_trip(GetParam(), zeros, 1024), zeros);
  Weights half = gauss(random_, 1024, 1);
  std::fill(half.begin(), half.begin() + 512, -0.0F);
  const Weights out = round_trip(GetParam(), half, 1024);
  EXPECT_TRUE(std::all_of(out.begin(), out.begin() + 512, [](float w) { return w == 0; }));
}

TEST_P(Quantize, ConstantBlocksComeBack) {
  for (const float value : {1.0F, -1.0F, 0.375F, -100.0F}) {
    const Weights in(256, value);
    for (const float w : round_trip(GetParam(), in, 256)) ASSERT_NEAR(w, value, std::abs(value) * 0.01F);
  }
}

TEST_P(Quantize, TinyNumbersAreNoTrouble) {
  for (const float size : {FLT_TRUE_MIN, 1e-38F, 1e-30F, 1e-20F, 1e-8F, 1e-6F}) {
    Weights in = gauss(random_, 1024, 1);
    for (float& w : in) w *= size;
    constexpr double kSmallestHalf = 0x1p-24;
    EXPECT_LE(rmse(in, round_trip(GetParam(), in, 1024)), rmse(in, Weights(in.size())) + kSmallestHalf) << size;
  }
}

TEST_P(Quantize, RefusesWhatIsNoNumber) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity}) {
    expect_refused(block_with(bad), ErrorKind::kInvalidData, "not a finite number");
  }
}

TEST_P(Quantize, RefusesWhatIsTooLarge) {
  if (GetParam() == DType::kF32) return;
  expect_refused(block_with(FLT_MAX), ErrorKind::kInvalidData, "too large for " + std::string(name(GetParam())));
  expect_refused(block_with(-FLT_MAX), ErrorKind::kInvalidData, "too large for");
  if (GetParam() == DType::kBF16) return;
  for (const float large : {1e10F, -1e10F, 1e16F, -1e20F}) {
    expect_refused(block_with(large), ErrorKind::kInvalidData, "too large for " + std::string(name(GetParam())));
  }
}

TEST_P(Quantize, TakesTheLargestOfHalfPrecision) {
  Weights in(256, 0.0F);
  in[3] = 60000.0F;
  in[200] = -60000.0F;
  const Weights out = round_trip(GetParam(), in, 256);
  EXPECT_NEAR(out[3], 60000, 8000);
  EXPECT_NEAR(out[200], -60000, 8000);
}

TEST_P(Quantize, RefusesPartsOfRowsAndBlocks) {
  const auto refused = [&](size_t elements, size_t bytes, int64_t row_length) {
    const Weights in(elements);
    std::vector<std::byte> out(bytes);
    try {
      quantize(GetParam(), in, out, row_length);
      return false;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kInvalidArgument;
    }
  };
  const auto block = static_cast<int64_t>(block_of(GetParam()));
  const auto bytes = static_cast<size_t>(info(GetParam()).block_bytes);
  EXPECT_TRUE(refused(static_cast<size_t>(block), bytes - 1, block));
  EXPECT_TRUE(refused(static_cast<size_t>(block), bytes + 1, block));
  EXPECT_TRUE(refused(static_cast<size_t>(block), bytes, 2 * block));
  EXPECT_TRUE(refused(static_cast<size_t>(block), bytes, 0));
  EXPECT_TRUE(refused(static_cast<size_t>(block), bytes, -block));
  if (block > 1) {
    EXPECT_TRUE(refused(static_cast<size_t>(block), bytes, block - 1));
  }
  EXPECT_NO_THROW(quantize(GetParam(), {}, {}, block));
}

INSTANTIATE_TEST_SUITE_P(Types, Quantize, testing::ValuesIn(kAllTypes), test_name);

// Weights that are all of a type's codes times a power of two: the type can hold these exactly.
TEST(QuantizeSmallBlocks, FindWhatTheyCanHold) {
  std::mt19937 random(3);
  for (const DType type : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1}) {
    const GroupCodes form = group_codes(type);
    const int zero = form.zero == kAffine ? 3 : form.zero;
    for (int round = 0; round < 20; ++round) {
      Weights in(32);
      for (size_t i = 0; i < in.size(); ++i) {
        in[i] = 0.25F * static_cast<float>(static_cast<int>(i) % (form.max_code + 1) - zero);
      }
      std::shuffle(in.begin(), in.end(), random);
      EXPECT_EQ(round_trip(type, in, 32), in) << name(type);
    }
  }
}

TEST(QuantizeFloats, RoundToTheNearest) {
  const Weights in = {1.0F, -0.1F, 1.0F + 0x1p-11F, 1.0F + 0x1.8p-10F, 65504.0F, 0x1p-24F};
  EXPECT_EQ(round_trip(DType::kF32, in, 1), in);
  EXPECT_EQ(round_trip(DType::kF16, in, 1), (Weights{1.0F, -0x1.998p-4F, 1.0F, 1.0F + 0x1p-9F, 65504.0F, 0x1p-24F}));
  EXPECT_EQ(round_trip(DType::kBF16, in, 1), (Weights{1.0F, -0x1.9ap-4F, 1.0F, 1.0F, 65536.0F, 0x1p-24F}));
}

}  // namespace
}  // namespace patina::quant
