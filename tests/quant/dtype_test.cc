#include "quant/dtype.h"

#include <gtest/gtest.h>

#include "quant/codec.h"
#include "quant/golden.h"

namespace patina::quant {
namespace {

TEST(DType, NamesAndIdsLeadBack) {
  for (const DType type : kAllTypes) {
    EXPECT_EQ(dtype_from_id(static_cast<uint32_t>(type)), type);
    EXPECT_EQ(dtype_from_name(name(type)), type);
  }
}

TEST(DType, NamesIgnoreCase) {
  EXPECT_EQ(dtype_from_name("q4_k"), DType::kQ4_K);
  EXPECT_EQ(dtype_from_name("iq4_nl"), DType::kIQ4_NL);
  EXPECT_EQ(dtype_from_name("bf16"), DType::kBF16);
}

TEST(DType, UnknownIsEmpty) {
  for (const uint32_t id : {4U, 5U, 9U, 15U, 29U, 31U, 32U, 0xFFFFFFFFU}) EXPECT_FALSE(dtype_from_id(id)) << id;
  for (const char* unknown : {"", "Q4", "Q4_K_M", "Q4_0 "}) EXPECT_FALSE(dtype_from_name(unknown)) << unknown;
}

TEST(DType, TableMatchesTheBlockStructs) {
  for (const DType type : kAllTypes) {
    if (is_float(type)) continue;
    visit_block(type, [type](auto block) {
      using Block = typename decltype(block)::type;
      EXPECT_EQ(Block::kType, type);
      EXPECT_EQ(info(type).block_bytes, static_cast<int64_t>(sizeof(Block)));
      EXPECT_EQ(info(type).block_elements, Block::kElements);
    });
  }
}

TEST(DType, RowBytes) {
  EXPECT_EQ(row_bytes(DType::kF32, 7), 28);
  EXPECT_EQ(row_bytes(DType::kQ4_0, 64), 36);
  EXPECT_EQ(row_bytes(DType::kQ6_K, 512), 420);
}

}  // namespace
}  // namespace patina::quant
