#include "adapter/weight_change.h"

#include <cmath>
#include <random>

#include "convert/quantize_file.h"
#include "io/test_files.h"
#include "quant/dequantize.h"
#include "quant/quantize.h"

namespace patina::adapter {
namespace {

using io::expect_error;
using io::TemporaryFolder;
using quant::DType;

constexpr auto kIgnore = [](const convert::QuantizeStep&) {};
constexpr int64_t kIn = 256;
constexpr int64_t kOut = 300;

std::vector<float> random_numbers(int64_t count, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& number : numbers) number = normal(random);
  return numbers;
}

tensor::Tensor matrix_of(int64_t rows, int64_t cols, const std::vector<float>& numbers) {
  const tensor::Tensor matrix = tensor::BufferPool().make(rows, cols);
  std::ranges::copy(numbers, matrix.data());
  return matrix;
}

std::vector<float> values_of(const io::TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  quant::dequantize(tensor.type, tensor.data, values);
  return values;
}

// A model of a matrix that the adapter changes, one that it does not, and a norm that it changes.
class WeightChangeTest : public testing::Test {
 protected:
  explicit WeightChangeTest() {
    write_model(DType::kF32);
    adapter_.architecture = "llama";
    adapter_.alpha = 6;
    adapter_.entries.push_back({"blk.0.attn_q", matrix_of(3, kIn, random_numbers(3 * kIn, 0.1F, 1)),
                                matrix_of(kOut, 3, random_numbers(kOut * 3, 0.1F, 2))});
    adapter_.entries.push_back(
        {"blk.0.attn_norm", matrix_of(1, kIn, random_numbers(kIn, 1, 3)), matrix_of(1, 1, {0.5F})});
  }

  void write_model(DType type) {
    std::vector<std::byte> q(static_cast<size_t>(quant::row_bytes(type, kIn * kOut)));
    quant::quantize(type, random_numbers(kIn * kOut, 0.05F, 4), q, kIn);
    const std::vector<float> norm = random_numbers(kIn, 1, 5);
    io::Metadata metadata;
    metadata.set("general.architecture", "llama");
    metadata.set("general.file_type", uint64_t{0});
    const std::vector<io::TensorToWrite> tensors = {
        {"blk.0.attn_norm.weight", DType::kF32, {kIn}, std::as_bytes(std::span(norm))},
        {"blk.0.attn_q.weight", type, {kIn, kOut}, q},
        {"blk.0.attn_v.weight", type, {kIn, kOut}, q},
    };
    io::write_gguf(folder_ / "base.gguf", metadata, tensors);
    base_ = io::ModelFile::open(folder_ / "base.gguf");
  }

  std::unique_ptr<io::ModelFile> merge(std::optional<convert::FileType> target, int threads = 2) {
    const WeightChange change(adapter_, "adapter", 0.5F, *base_, kernels::default_kernels());
    const auto changes = [&](const io::TensorInfo& tensor) { return change.changes(tensor); };
    const auto apply = [&](const io::TensorInfo& tensor, int64_t first, std::span<float> rows) {
      change.apply(tensor, first, rows);
    };
    ThreadPool pool(threads);
    convert::edit_model(*base_, folder_ / "out.gguf", target, {.changes = changes, .apply = apply}, pool, kIgnore);
    return io::ModelFile::open(folder_ / "out.gguf");
  }

  // The largest difference between a merged tensor and W + scale * B A, in f64.
  double error(const io::ModelFile& merged, size_t entry) const {
    const LoraEntry& lora = adapter_.entries[entry];
    const std::string name = lora.site + ".weight";
    const std::vector<float> before = values_of(base_->require(name));
    const std::vector<float> after = values_of(merged.require(name));
    double largest = 0;
    for (int64_t i = 0; i < lora.b.rows(); ++i) {
      for (int64_t j = 0; j < kIn; ++j) {
        double sum = 0;
        for (int64_t r = 0; r < lora.rank(); ++r) sum += double{lora.b.row(i)[r]} * lora.a.row(r)[j];
        const auto place = static_cast<size_t>(i * kIn + j);
        const double expected = before[place] + 0.5 * 6 / static_cast<double>(lora.rank()) * sum;
        largest = std::max(largest, std::fabs(after[place] - expected));
      }
    }
    return largest;
  }

  TemporaryFolder folder_;
  std::unique_ptr<io::ModelFile> base_;
  LoraAdapter adapter_;
};

TEST_F(WeightChangeTest, AddsTheProductAndCopiesTheRest) {
  const auto merged = merge({});
  EXPECT_LT(error(*merged, 0), 1e-6);
  EXPECT_LT(error(*merged, 1), 1e-6);
  EXPECT_TRUE(
      std::ranges::equal(merged->require("blk.0.attn_v.weight").data, base_->require("blk.0.attn_v.weight").data));
  EXPECT_EQ(merged->metadata().entries().size(), base_->metadata().entries().size());
}

TEST_F(WeightChangeTest, QuantizesAnewWhatChangedAndOnlyThat) {
  write_model(DType::kQ8_0);
  const auto merged = merge({});
  EXPECT_EQ(merged->require("blk.0.attn_q.weight").type, DType::kQ8_0);
  // Half a step of 1/127 of the largest of 32 weights, which have a deviation of 0.06.
  EXPECT_LT(error(*merged, 0), 0.5 * 0.3 / 127);
  EXPECT_GT(error(*merged, 0), 0);
  EXPECT_TRUE(
      std::ranges::equal(merged->require("blk.0.attn_v.weight").data, base_->require("blk.0.attn_v.weight").data));
}

TEST_F(WeightChangeTest, TakesATargetAndDoesNotDependOnThreads) {
  const auto merged = merge(convert::FileType::kQ4_K_M, 1);
  EXPECT_EQ(merged->require("blk.0.attn_q.weight").type, DType::kQ4_K);
  EXPECT_EQ(merged->require("blk.0.attn_norm.weight").type, DType::kF32);
  EXPECT_EQ(merged->metadata().get_uint("general.file_type"), 15U);
  const io::Bytes one = io::read_bytes(folder_ / "out.gguf");
  merge(convert::FileType::kQ4_K_M, 3);
  EXPECT_EQ(io::read_bytes(folder_ / "out.gguf"), one);
}

TEST_F(WeightChangeTest, WhatDoesNotFitIsRefused) {
  const auto refuse = [&](const std::string& part) {
    expect_error([&] { merge({}); }, ErrorKind::kIncompatible, part);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.gguf"));
  };
  adapter_.architecture = "gemma3";
  refuse("architecture gemma3, this is llama");
  adapter_.architecture = "llama";
  adapter_.entries[1].site = "output";
  refuse("output.weight, which the model does not have");
  adapter_.entries[1].site = "blk.0.attn_v";
  refuse("blk.0.attn_v.weight is 1 x 256 in the adapter, 300 x 256 in the model");
}

}  // namespace
}  // namespace patina::adapter
