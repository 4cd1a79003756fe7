#include "convert/quantize_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "io/test_files.h"
#include "quant/dequantize.h"
#include "quant/quantize.h"

namespace patina::convert {
namespace {

using io::TemporaryFolder;
using quant::DType;

constexpr auto kIgnore = [](const QuantizeStep&) {};

std::vector<float> weights_of(const io::TensorInfo& tensor) {
  std::vector<float> weights(static_cast<size_t>(tensor.elements()));
  quant::dequantize(tensor.type, tensor.data, weights);
  return weights;
}

// A model of one layer with random weights in `type`.
class ModelToQuantize {
 public:
  explicit ModelToQuantize(const std::filesystem::path& path, DType type, float poison = 0) {
    add("token_embd.weight", {256, 40}, type);
    add("blk.0.attn_norm.weight", {256}, DType::kF32);
    add("blk.0.attn_v.weight", {256, 300}, type);
    if (poison != 0) std::memcpy(data_.back().data() + 8, &poison, sizeof(poison));
    add("blk.0.ffn_down.weight", {320, 256}, type);
    add("output.weight", {256, 40}, type);
    io::Metadata metadata;
    metadata.set("general.architecture", "llama");
    metadata.set("general.file_type", uint64_t{0});
    metadata.set("llama.block_count", uint64_t{1});
    metadata.set("tokenizer.ggml.tokens", io::MetaArray(std::vector<std::string>{"a", "b"}));
    io::write_gguf(path, metadata, tensors());
  }

 private:
  void add(const std::string& name, std::vector<int64_t> shape, DType type) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    std::normal_distribution<float> normal(0, 0.02F);
    std::vector<float> weights(static_cast<size_t>(count));
    for (float& w : weights) w = normal(random_);
    data_.emplace_back(static_cast<size_t>(quant::row_bytes(type, count)));
    quant::quantize(type, weights, data_.back(), shape[0]);
    tensors_.push_back({name, type, std::move(shape), {}});
  }

  std::vector<io::TensorToWrite> tensors() {
    for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].data = data_[i];
    return tensors_;
  }

  std::mt19937 random_{11};
  std::vector<std::vector<std::byte>> data_;
  std::vector<io::TensorToWrite> tensors_;
};

TEST(QuantizeModel, WritesWhatTheQuantizerMakes) {
  const TemporaryFolder folder;
  const ModelToQuantize source(folder / "in.gguf", DType::kF32);
  const auto in = io::ModelFile::open(folder / "in.gguf");
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::vector<std::string> seen;
    const QuantizeReport report =
        quantize_model(*in, folder / "out.gguf", FileType::kQ4_K_M, pool, [&](const QuantizeStep& step) {
          EXPECT_EQ(step.index, seen.size());
          EXPECT_EQ(step.count, in->tensors().size());
          seen.push_back(step.tensor.name);
        });
    EXPECT_EQ(seen.size(), in->tensors().size());
    const auto out = io::ModelFile::open(folder / "out.gguf");
    EXPECT_EQ(out->metadata().get_uint("general.file_type"), 15U);
    EXPECT_EQ(out->metadata().get_uint("general.quantization_version"), 2U);
    EXPECT_EQ(out->metadata().get_string("general.architecture"), "llama");
    EXPECT_EQ(out->metadata().entries().size(), in->metadata().entries().size() + 1);
    const std::vector<DType> types = choose_types(in->metadata(), in->tensors(), FileType::kQ4_K_M);
    uint64_t bytes = 0;
    for (size_t i = 0; i < types.size(); ++i) {
      const io::TensorInfo& tensor = out->tensors()[i];
      EXPECT_EQ(tensor.name, in->tensors()[i].name);
      EXPECT_EQ(tensor.shape, in->tensors()[i].shape);
      ASSERT_EQ(tensor.type, types[i]);
      std::vector<std::byte> expected(tensor.data.size());
      quant::quantize(types[i], weights_of(in->tensors()[i]), expected, tensor.row_length());
      EXPECT_TRUE(std::ranges::equal(tensor.data, expected)) << tensor.name;
      bytes += expected.size();
    }
    EXPECT_EQ(report.bytes_after, bytes);
  }
}

TEST(QuantizeModel, GoesFromAnyTypeToAnyOther) {
  const TemporaryFolder folder;
  ThreadPool pool(2);
  for (const DType type : {DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ5_1}) {
    const ModelToQuantize source(folder / "in.gguf", type);
    const auto in = io::ModelFile::open(folder / "in.gguf");
    for (const FileTypeInfo& target : file_types()) {
      quantize_model(*in, folder / "out.gguf", target.type, pool, kIgnore);
      const auto out = io::ModelFile::open(folder / "out.gguf");
      for (size_t i = 0; i < in->tensors().size(); ++i) {
        const std::vector<float> before = weights_of(in->tensors()[i]);
        const std::vector<float> after = weights_of(out->tensors()[i]);
        double error = 0;
        double square = 0;
        for (size_t j = 0; j < before.size(); ++j) {
          error += std::pow(before[j] - after[j], 2);
          square += std::pow(before[j], 2);
        }
        EXPECT_LT(std::sqrt(error / square), 0.35) << target.name << " " << in->tensors()[i].name;
      }
    }
  }
}

TEST(QuantizeModel, ReadsGgjtAndSplitFiles) {
  const TemporaryFolder folder;
  ThreadPool pool(2);
  for (const char* name : {"tiny.bin", "split-00002-of-00003.gguf"}) {
    const auto in = io::ModelFile::open(io::golden(name));
    quantize_model(*in, folder / "out.gguf", FileType::kQ8_0, pool, kIgnore);
    const auto out = io::ModelFile::open(folder / "out.gguf");
    EXPECT_EQ(out->form(), io::FileForm::kGguf);
    EXPECT_EQ(out->tensors().size(), in->tensors().size());
    EXPECT_FALSE(out->metadata().has("split.count"));
  }
}

TEST(QuantizeModel, NeverWritesOverItsInput) {
  const TemporaryFolder folder;
  ThreadPool pool(1);
  const ModelToQuantize source(folder / "in.gguf", DType::kF16);
  const io::Bytes before = io::read_bytes(folder / "in.gguf");
  std::filesystem::create_symlink(folder / "in.gguf", folder / "link.gguf");
  const auto in = io::ModelFile::open(folder / "in.gguf");
  for (const char* name : {"in.gguf", "link.gguf"}) {
    io::expect_error([&] { quantize_model(*in, folder / name, FileType::kQ4_0, pool, kIgnore); },
                     ErrorKind::kInvalidArgument, "is the input itself");
  }
  EXPECT_EQ(io::read_bytes(folder / "in.gguf"), before);

  for (const char* part : {"split-00001-of-00003.gguf", "split-00002-of-00003.gguf", "split-00003-of-00003.gguf"}) {
    std::filesystem::copy_file(io::golden(part), folder / part);
  }
  const auto split = io::ModelFile::open(folder / "split-00001-of-00003.gguf");
  io::expect_error(
      [&] { quantize_model(*split, folder / "split-00003-of-00003.gguf", FileType::kQ4_0, pool, kIgnore); },
      ErrorKind::kInvalidArgument, "is the input itself");
}

TEST(QuantizeModel, LeavesTheOldFileWhenItFails) {
  const TemporaryFolder folder;
  ThreadPool pool(2);
  const io::Bytes old(10, std::byte{7});
  io::write_bytes(folder / "out.gguf", old);
  const auto expect_untouched = [&] {
    EXPECT_EQ(io::read_bytes(folder / "out.gguf"), old);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
  };
  {
    const ModelToQuantize source(folder / "in.gguf", DType::kF32, std::numeric_limits<float>::quiet_NaN());
    const auto in = io::ModelFile::open(folder / "in.gguf");
    io::expect_error([&] { quantize_model(*in, folder / "out.gguf", FileType::kQ4_0, pool, kIgnore); },
                     ErrorKind::kInvalidData, "blk.0.attn_v.weight");
    expect_untouched();
  }
  const ModelToQuantize source(folder / "in.gguf", DType::kF32);
  const auto in = io::ModelFile::open(folder / "in.gguf");
  const auto stop = [](const QuantizeStep& step) {
    if (step.index == 3) throw Error(ErrorKind::kInterrupted, "stopped");
  };
  io::expect_error([&] { quantize_model(*in, folder / "out.gguf", FileType::kQ4_0, pool, stop); },
                   ErrorKind::kInterrupted, "stopped");
  expect_untouched();
}

TEST(QuantizeModel, RefusesWhatIsNoModel) {
  const TemporaryFolder folder;
  ThreadPool pool(1);
  io::Metadata metadata;
  metadata.set("general.architecture", "llama");
  io::write_gguf(folder / "empty.gguf", metadata, {});
  io::expect_error(
      [&] {
        quantize_model(*io::ModelFile::open(folder / "empty.gguf"), folder / "out.gguf", FileType::kQ4_0, pool,
                       kIgnore);
      },
      ErrorKind::kInvalidData, "no tensors");
  metadata.set("general.type", "adapter");
  io::write_gguf(folder / "adapter.gguf", metadata, {});
  io::expect_error(
      [&] {
        quantize_model(*io::ModelFile::open(folder / "adapter.gguf"), folder / "out.gguf", FileType::kQ4_0, pool,
                       kIgnore);
      },
      ErrorKind::kInvalidArgument, "adapter");
}

}  // namespace
}  // namespace patina::convert
