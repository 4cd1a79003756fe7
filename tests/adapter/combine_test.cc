#include "adapter/combine.h"

#include <cmath>
#include <random>

#include "io/test_files.h"

namespace patina::adapter {
namespace {

using io::expect_error;

tensor::Tensor random_matrix(int64_t rows, int64_t cols, std::mt19937& random) {
  std::normal_distribution<float> normal;
  const tensor::Tensor matrix = tensor::BufferPool().make(rows, cols);
  for (float& value : matrix.values()) value = normal(random);
  return matrix;
}

LoraEntry random_entry(const std::string& site, int64_t rank, unsigned seed) {
  std::mt19937 random(seed);
  return {site, random_matrix(rank, 6, random), random_matrix(5, rank, random)};
}

LoraAdapter adapter_of(float alpha, std::vector<LoraEntry> entries) {
  LoraAdapter adapter;
  adapter.architecture = "llama";
  adapter.alpha = alpha;
  adapter.entries = std::move(entries);
  return adapter;
}

// Element (i, j) of what the adapter adds to the weight of `site`; 0 where it has no such site.
double product(const LoraAdapter& adapter, const std::string& site, int64_t i, int64_t j) {
  double sum = 0;
  for (const LoraEntry& entry : adapter.entries) {
    if (entry.site != site) continue;
    for (int64_t r = 0; r < entry.rank(); ++r) {
      sum += double{adapter.scale(entry)} * entry.b.row(i)[r] * entry.a.row(r)[j];
    }
  }
  return sum;
}

TEST(Concatenated, ActsAsTheWeightedSum) {
  const LoraAdapter one = adapter_of(8, {random_entry("blk.0.attn_q", 3, 1), random_entry("blk.0.attn_v", 2, 2)});
  const LoraAdapter other = adapter_of(0, {random_entry("blk.0.attn_v", 4, 3), random_entry("blk.0.ffn_up", 1, 4)});
  const std::vector<WeightedAdapter> both = {{&one, 0.5F}, {&other, -2.0F}};
  const LoraAdapter sum = concatenated(both);
  ASSERT_EQ(sum.entries.size(), 3U);
  EXPECT_EQ(sum.entries[1].site, "blk.0.attn_v");
  EXPECT_EQ(sum.entries[1].rank(), 6);
  for (const LoraEntry& entry : sum.entries) {
    for (int64_t i = 0; i < 5; ++i) {
      for (int64_t j = 0; j < 6; ++j) {
        const double expected = 0.5 * product(one, entry.site, i, j) - 2.0 * product(other, entry.site, i, j);
        ASSERT_NEAR(product(sum, entry.site, i, j), expected, 1e-5) << entry.site;
      }
    }
  }
}

TEST(Concatenated, WhatDoesNotBelongTogetherIsRefused) {
  LoraAdapter one = adapter_of(8, {random_entry("blk.0.attn_q", 3, 1)});
  LoraAdapter other = adapter_of(8, {random_entry("blk.0.attn_q", 3, 2)});
  const auto refuse = [&](float weight, ErrorKind kind, const std::string& part) {
    const std::vector<WeightedAdapter> both = {{&one, weight}, {&other, weight}};
    expect_error([&] { concatenated(both); }, kind, part);
  };
  refuse(0, ErrorKind::kInvalidArgument, "nothing is left");
  refuse(NAN, ErrorKind::kInvalidArgument, "give a number");
  one.prompt_template = "instruction";
  other.prompt_template = "chatml";
  refuse(1, ErrorKind::kIncompatible, "--template");
  other.prompt_template = "";
  other.architecture = "qwen2";
  refuse(1, ErrorKind::kIncompatible, "llama and qwen2");
  other.architecture = "llama";
  std::mt19937 random(1);
  other.entries[0].a = random_matrix(3, 7, random);
  refuse(1, ErrorKind::kIncompatible, "5 x 6 in one, 5 x 7 in another");
}

TEST(Concatenated, KeepsWhatAllAgreeOn) {
  LoraAdapter one = adapter_of(8, {random_entry("blk.0.attn_q", 3, 1)});
  LoraAdapter other = one;
  one.base_fingerprint = 7;
  one.prompt_template = "instruction";
  one.base_name = "tiny";
  const std::vector<WeightedAdapter> both = {{&one, 1.0F}, {&other, 1.0F}};
  EXPECT_EQ(concatenated(both).base_fingerprint, 7U);
  EXPECT_EQ(concatenated(both).prompt_template, "instruction");
  other.base_fingerprint = 8;
  other.base_name = "tiny";
  EXPECT_EQ(concatenated(both).base_fingerprint, 0U);
  EXPECT_EQ(concatenated(both).base_name, "tiny");
}

TEST(Scaled, ChangesAlphaAloneWhereThatIsPossible) {
  for (const float alpha : {8.0F, 0.0F}) {
    const LoraAdapter adapter = adapter_of(alpha, {random_entry("blk.0.attn_q", 3, 1)});
    for (const float factor : {0.3F, -2.0F, 0.0F}) {
      const LoraAdapter result = scaled(adapter, factor);
      EXPECT_EQ(result.entries[0].b.key() == adapter.entries[0].b.key(), alpha != 0.0F && factor != 0.0F);
      for (int64_t i = 0; i < 5; ++i) {
        ASSERT_NEAR(product(result, "blk.0.attn_q", i, 2), factor * product(adapter, "blk.0.attn_q", i, 2), 1e-5);
      }
    }
  }
}

TEST(Concatenated, MagnitudesAreRefused) {
  LoraAdapter adapter = adapter_of(8, {random_entry("blk.0.attn_q", 3, 1)});
  adapter.entries[0].magnitude = tensor::BufferPool().make_zero(5, 1);
  const std::vector<WeightedAdapter> one = {{&adapter, 1.0F}};
  expect_error([&] { concatenated(one); }, ErrorKind::kUnsupported, "patina merge");
  expect_error([&] { scaled(adapter, 2.0F); }, ErrorKind::kUnsupported, "patina merge");
}

TEST(ProductNorm, IsThatOfTheWholeMatrix) {
  const LoraAdapter adapter = adapter_of(8, {random_entry("blk.0.attn_q", 3, 1)});
  double sum = 0;
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t j = 0; j < 6; ++j) sum += std::pow(product(adapter, "blk.0.attn_q", i, j), 2);
  }
  EXPECT_NEAR(product_norm(adapter, adapter.entries[0]), std::sqrt(sum), 1e-5 * std::sqrt(sum));
}

}  // namespace
}  // namespace patina::adapter
