#include "quant/dequantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/error.h"
#include "quant/blocks.h"
#include "quant/golden.h"

namespace patina::quant {
namespace {

class Dequantize : public testing::TestWithParam<DType> {
 protected:
  std::vector<std::byte> blocks_ = read_golden<std::byte>(std::string(name(GetParam())) + ".blocks");
  std::vector<float> expected_ = read_golden<float>(std::string(name(GetParam())) + ".f32");
};

TEST_P(Dequantize, EqualsGgufBitForBit) {
  ASSERT_EQ(expected_.size(), 2048U);
  std::vector<float> out(expected_.size());
  dequantize(GetParam(), blocks_, out);
  for (size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(expected_[i])) << "element " << i;
  }
}

TEST_P(Dequantize, ReadsBlocksAtAnyAddress) {
  std::vector<std::byte> shifted(blocks_.size() + 1);
  std::memcpy(shifted.data() + 1, blocks_.data(), blocks_.size());
  std::vector<float> out(expected_.size());
  dequantize_row(GetParam(), shifted.data() + 1, out.data(), static_cast<int64_t>(out.size()));
  EXPECT_EQ(std::memcmp(out.data(), expected_.data(), out.size() * sizeof(float)), 0);
}

TEST_P(Dequantize, NothingOfNothing) { EXPECT_NO_THROW(dequantize(GetParam(), {}, {})); }

TEST_P(Dequantize, RefusesPartsOfBlocks) {
  const auto expect_refused = [&](size_t bytes, size_t elements) {
    std::vector<float> out(elements);
    try {
      dequantize(GetParam(), std::span(blocks_).first(bytes), out);
      FAIL() << bytes << " bytes as " << elements << " elements were accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(name(GetParam()))));
    }
  };
  const auto block = static_cast<size_t>(info(GetParam()).block_elements);
  const auto bytes = static_cast<size_t>(info(GetParam()).block_bytes);
  expect_refused(bytes - 1, block);
  expect_refused(bytes + 1, block);
  expect_refused(bytes, 2 * block);
  if (block > 1) expect_refused(bytes, block - 1);
}

INSTANTIATE_TEST_SUITE_P(Types, Dequantize, testing::ValuesIn(kAllTypes), test_name);

class DecodeCodes : public Dequantize {};

TEST_P(DecodeCodes, MakesTheSameWeights) {
  const GroupCodes form = group_codes(GetParam());
  std::vector<uint8_t> codes(expected_.size());
  std::vector<float> scales(expected_.size() / static_cast<size_t>(form.group));
  std::vector<float> mins(scales.size());
  decode_codes(GetParam(), blocks_.data(), static_cast<int64_t>(codes.size()), codes.data(), scales.data(),
               mins.data());
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t g = i / static_cast<size_t>(form.group);
    ASSERT_LE(codes[i], form.max_code);
    const float affine = scales[g] * static_cast<float>(codes[i]) - mins[g];
    const float tolerance = std::ldexp(std::abs(mins[g]) + std::abs(expected_[i]), -22);
    ASSERT_NEAR(affine, expected_[i], tolerance) << "element " << i;
    if (form.zero == kAffine) {
      ASSERT_EQ(affine, expected_[i]) << "element " << i;
    } else {
      ASSERT_EQ(scales[g] * static_cast<float>(codes[i] - form.zero), expected_[i]) << "element " << i;
      ASSERT_EQ(mins[g], scales[g] * static_cast<float>(form.zero));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, DecodeCodes, testing::ValuesIn(kAllTypes.begin() + 3, kAllTypes.end()), test_name);

TEST(DecodeCodesTypes, FloatsHaveNoCodes) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) EXPECT_THROW(group_codes(type), Error);
}

}  // namespace
}  // namespace patina::quant
