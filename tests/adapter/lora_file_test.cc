#include <cmath>
#include <cstring>

#include "adapter/lora_adapter.h"
#include "io/test_files.h"

namespace patina::adapter {
namespace {

using io::expect_error;
using io::TemporaryFolder;
using quant::DType;

// Made by scripts/golden/adapter.py.
std::filesystem::path golden_adapter(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/adapter" / name;
}

// Writes adapter files with one thing wrong.
struct Draft {
  io::Metadata metadata;
  std::vector<float> zeros = std::vector<float>(4096);
  std::vector<io::TensorToWrite> tensors;

  Draft() {
    metadata.set("general.architecture", std::string("llama"));
    metadata.set("general.type", std::string("adapter"));
    metadata.set("adapter.type", std::string("lora"));
    metadata.set("adapter.lora.alpha", 16.0);
  }
  void add(const std::string& name, std::vector<int64_t> shape) {
    size_t size = 1;
    for (const int64_t n : shape) size *= static_cast<size_t>(n);
    tensors.push_back({name, DType::kF32, std::move(shape), std::as_bytes(std::span(zeros).first(size))});
  }
  void add_pair(const std::string& name, int64_t in, int64_t out, int64_t rank) {
    add(name + ".lora_a", {in, rank});
    add(name + ".lora_b", {rank, out});
  }
  // The adapter that reading the draft gives.
  LoraAdapter read() const {
    const TemporaryFolder folder;
    io::write_gguf(folder / "adapter.bin", metadata, tensors);
    return load_lora(folder / "adapter.bin");
  }
};

TEST(LoraFile, WhatTheGgufPackageWroteIsReadAndSavedAgainByteForByte) {
  const LoraAdapter adapter = load_lora(golden_adapter("saved.gguf"));
  EXPECT_EQ(adapter.name, "jokes");
  EXPECT_EQ(adapter.architecture, "llama");
  EXPECT_EQ(adapter.base_name, "tiny");
  EXPECT_EQ(adapter.base_fingerprint, (uint64_t{1} << 63) + 5);
  EXPECT_EQ(adapter.prompt_template, "instruction");
  ASSERT_EQ(adapter.entries.size(), 2U);
  EXPECT_EQ(adapter.entries[1].site, "blk.0.ffn_up");
  EXPECT_EQ(adapter.entries[1].rank(), 4);
  EXPECT_EQ(adapter.scale(adapter.entries[1]), 4.0F);
  EXPECT_EQ(adapter.parameters(), 4 * (32 + 32 + 32 + 96));
  const TemporaryFolder folder;
  save_lora(adapter, folder / "adapter.bin", DType::kF16);
  EXPECT_EQ(io::read_bytes(folder / "adapter.bin"), io::read_bytes(golden_adapter("saved.gguf")));
}

TEST(LoraFile, EveryTypeIsReadAsTheGgufPackageDequantizesIt) {
  const LoraAdapter adapter = load_lora(golden_adapter("mixed.gguf"));
  ASSERT_EQ(adapter.entries.size(), 2U);
  EXPECT_EQ(adapter.entries[0].site, "blk.0.attn_k");
  EXPECT_EQ(adapter.scale(adapter.entries[0]), 0.25F);
  EXPECT_EQ(adapter.scale(adapter.entries[1]), 4.0F);
  const io::Bytes expected = io::read_bytes(golden_adapter("mixed.f32"));
  size_t offset = 0;
  for (const tensor::Tensor& tensor :
       {adapter.entries[0].b, adapter.entries[0].a, adapter.entries[1].a, adapter.entries[1].b}) {
    const auto bytes = std::as_bytes(tensor.values());
    ASSERT_LE(offset + bytes.size(), expected.size());
    EXPECT_EQ(std::memcmp(bytes.data(), expected.data() + offset, bytes.size()), 0) << offset;
    offset += bytes.size();
  }
  EXPECT_EQ(offset, expected.size());
}

TEST(LoraFile, SavedInF32NothingIsLost) {
  const LoraAdapter adapter = load_lora(golden_adapter("mixed.gguf"));
  const TemporaryFolder folder;
  save_lora(adapter, folder / "adapter", DType::kF32);
  const LoraAdapter copy = load_lora(folder / "adapter");
  ASSERT_EQ(copy.entries.size(), adapter.entries.size());
  EXPECT_EQ(copy.base_fingerprint, 0U);
  for (size_t i = 0; i < copy.entries.size(); ++i) {
    EXPECT_EQ(copy.entries[i].site, adapter.entries[i].site);
    EXPECT_TRUE(std::ranges::equal(copy.entries[i].a.values(), adapter.entries[i].a.values()));
    EXPECT_TRUE(std::ranges::equal(copy.entries[i].b.values(), adapter.entries[i].b.values()));
  }
}

TEST(LoraFile, WithoutAlphaTheScaleIsOne) {
  Draft draft;
  draft.metadata.erase("adapter.lora.alpha");
  draft.add_pair("blk.0.attn_q.weight", 8, 8, 2);
  const LoraAdapter adapter = draft.read();
  EXPECT_EQ(adapter.scale(adapter.entries[0]), 1.0F);
}

// ggml leaves out trailing dimensions of one.
TEST(LoraFile, AVectorIsAMatrixOfRankOne) {
  Draft draft;
  draft.add("blk.0.attn_q.weight.lora_a", {8});
  draft.add("blk.0.attn_q.weight.lora_b", {1, 16});
  const LoraAdapter adapter = draft.read();
  EXPECT_EQ(adapter.entries[0].rank(), 1);
  EXPECT_EQ(adapter.entries[0].a.cols(), 8);
  EXPECT_EQ(adapter.entries[0].b.rows(), 16);
}

TEST(LoraFile, AModelIsNoAdapter) {
  for (const char* name : {"tiny.gguf", "tiny.bin"}) {
    expect_error([&] { load_lora(io::golden(name)); }, ErrorKind::kInvalidArgument, "give it with -m");
  }
}

TEST(LoraFile, OtherKindsOfAdaptersAreRefusedByName) {
  Draft control;
  control.metadata.set("adapter.type", std::string("control_vector"));
  expect_error([&] { control.read(); }, ErrorKind::kUnsupported, "control_vector");
  Draft activated;
  activated.metadata.set("adapter.alora.invocation_tokens", io::MetaArray(std::vector<uint64_t>{1, 2}));
  expect_error([&] { activated.read(); }, ErrorKind::kUnsupported, "alora");
}

TEST(LoraFile, TensorsThatCannotBeAppliedAreRefusedByName) {
  Draft bias;
  bias.add_pair("blk.0.attn_q.bias", 8, 8, 2);
  expect_error([&] { bias.read(); }, ErrorKind::kUnsupported, "blk.0.attn_q.bias");
  Draft norm;
  norm.add("blk.0.attn_norm.weight", {8});
  expect_error([&] { norm.read(); }, ErrorKind::kUnsupported, "blk.0.attn_norm.weight");
  Draft experts;
  experts.add("blk.0.ffn_up_exps.weight.lora_a", {8, 2, 4});
  experts.add("blk.0.ffn_up_exps.weight.lora_b", {8, 2, 4});
  expect_error([&] { experts.read(); }, ErrorKind::kUnsupported, "3 dimensions");
}

// llama.cpp looks rows of lora_a up by token (llama-graph.cpp: build_inp_embd).
TEST(LoraFile, TokenEmbeddingsHaveTheirMatricesTurnedRound) {
  Draft draft;
  for (size_t i = 0; i < draft.zeros.size(); ++i) draft.zeros[i] = static_cast<float>(i);
  draft.add("token_embd.weight.lora_a", {2, 20});
  draft.add("token_embd.weight.lora_b", {2, 8});
  const LoraAdapter adapter = draft.read();
  EXPECT_EQ(adapter.entries[0].b.rows(), 20);
  EXPECT_EQ(adapter.entries[0].a.rows(), 2);
  EXPECT_EQ(adapter.entries[0].a.cols(), 8);
  EXPECT_EQ(adapter.entries[0].a.row(1)[3], 7.0F);
  const TemporaryFolder folder;
  save_lora(adapter, folder / "out", DType::kF32);
  const auto file = io::ModelFile::open(folder / "out");
  for (const io::TensorToWrite& tensor : draft.tensors) {
    EXPECT_EQ(file->require(tensor.name).shape, tensor.shape);
    EXPECT_TRUE(std::ranges::equal(file->require(tensor.name).data, tensor.data));
  }
  const LinearSite site{"token_embd", 8, 20, SiteKind::kEmbedding};
  Attachment attachment(1);
  attach_lora(adapter, "file", 1.0F, {{&site, 1}, "llama"}, attachment, {});
  EXPECT_EQ(attachment.at(0).size(), 1U);
}

TEST(LoraFile, NormsAreNotSaved) {
  Draft draft;
  draft.add_pair("blk.0.attn_norm.weight", 8, 1, 2);
  const LoraAdapter adapter = draft.read();
  const TemporaryFolder folder;
  expect_error([&] { save_lora(adapter, folder / "out", DType::kF32); }, ErrorKind::kUnsupported, "patina merge");
}

TEST(LoraFile, HalvesMustFitTogether) {
  Draft half;
  half.add("blk.0.attn_q.weight.lora_a", {8, 2});
  expect_error([&] { half.read(); }, ErrorKind::kInvalidData, "blk.0.attn_q has no lora_b");
  Draft ranks;
  ranks.add("blk.0.attn_q.weight.lora_a", {8, 2});
  ranks.add("blk.0.attn_q.weight.lora_b", {3, 8});
  expect_error([&] { ranks.read(); }, ErrorKind::kInvalidData, "rank 2 in lora_a and 3 in lora_b");
  expect_error([&] { Draft().read(); }, ErrorKind::kInvalidData, "without tensors");
}

TEST(LoraFile, NumbersMustBeFinite) {
  Draft draft;
  draft.zeros[5] = NAN;
  draft.add_pair("blk.0.attn_q.weight", 8, 8, 2);
  expect_error([&] { draft.read(); }, ErrorKind::kInvalidData, "not finite");
  Draft alpha;
  alpha.metadata.set("adapter.lora.alpha", static_cast<double>(INFINITY), io::MetaType::kF32);
  alpha.add_pair("blk.0.attn_q.weight", 8, 8, 2);
  expect_error([&] { alpha.read(); }, ErrorKind::kInvalidData, "adapter.lora.alpha");
}

TEST(LoraFile, NothingIsOverwrittenByWhatCannotBeSaved) {
  const TemporaryFolder folder;
  const LoraAdapter good = load_lora(golden_adapter("saved.gguf"));
  save_lora(good, folder / "adapter", DType::kF32);
  const io::Bytes before = io::read_bytes(folder / "adapter");
  LoraAdapter bad = load_lora(golden_adapter("saved.gguf"));
  bad.entries[0].a.values()[3] = 70000.0F;
  expect_error([&] { save_lora(bad, folder / "adapter", DType::kF16); }, ErrorKind::kInvalidArgument, "70000");
  expect_error([&] { save_lora(good, folder / "adapter", DType::kQ8_0); }, ErrorKind::kInvalidArgument, "f16 or f32");
  bad.entries.clear();
  expect_error([&] { save_lora(bad, folder / "adapter", DType::kF32); }, ErrorKind::kInvalidArgument, "no layer");
  EXPECT_EQ(io::read_bytes(folder / "adapter"), before);
}

// Every truncation and random change is read or refused, never more.
TEST(LoraFile, DamagedFilesAreReadOrRefused) {
  const TemporaryFolder folder;
  const io::Bytes good = io::read_bytes(golden_adapter("saved.gguf"));
  std::mt19937 random(1);
  constexpr int kRounds = 300;
  constexpr size_t kHeader = 900;
  for (int round = 0; round < kRounds; ++round) {
    io::Bytes bad = good;
    if (round % 2 == 0) {
      bad.resize(random() % good.size());
    } else {
      for (int i = 0; i < 3; ++i) bad[random() % std::min(kHeader, bad.size())] = static_cast<std::byte>(random());
    }
    io::write_bytes(folder / "bad", bad);
    try {
      EXPECT_FALSE(load_lora(folder / "bad").entries.empty());
    } catch (const Error& error) {
      EXPECT_STRNE(error.what(), "");
    }
  }
}

}  // namespace
}  // namespace patina::adapter
