#include "adapter/ggla_file.h"

#include <cmath>

#include "io/ggla/writer.h"
#include "io/test_files.h"

namespace patina::adapter {
namespace {

using io::expect_error;
using io::TemporaryFolder;
using quant::DType;

// Made by scripts/golden/legacy.py. That it acts as it should is shown by legacy_test.
std::filesystem::path golden_file(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/legacy" / name;
}

// scale * B A of an entry, element (i, j).
double product(const LoraAdapter& adapter, const LoraEntry& entry, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t r = 0; r < entry.rank(); ++r) sum += double{entry.b.row(i)[r]} * entry.a.row(r)[j];
  return sum * adapter.scale(entry);
}

void expect_same_products(const LoraAdapter& one, const LoraAdapter& other, double tolerance) {
  ASSERT_EQ(one.entries.size(), other.entries.size());
  for (size_t e = 0; e < one.entries.size(); ++e) {
    EXPECT_EQ(one.entries[e].site, other.entries[e].site);
    for (int64_t i = 0; i < one.entries[e].b.rows(); ++i) {
      for (int64_t j = 0; j < one.entries[e].a.cols(); ++j) {
        ASSERT_NEAR(product(one, one.entries[e], i, j), product(other, other.entries[e], i, j), tolerance);
      }
    }
  }
}

TEST(ReadGgla, OfBothTimes) {
  const LoraAdapter older = load_lora(golden_file("adapter.bin"));
  EXPECT_EQ(older.architecture, "llama");
  EXPECT_EQ(older.entries[5].site, "blk.0.ffn_down");
  EXPECT_EQ(older.entries[5].a.cols(), 96);
  EXPECT_EQ(older.scale(older.entries[5]), 1.5F);
  expect_same_products(older, load_lora(golden_file("newer.bin")), 1e-3);
  EXPECT_EQ(load_lora(golden_file("adapter.bin"), BaseModel{"qwen2", 2, 2}).architecture, "qwen2");
}

TEST(SaveGgla, GivesTheSameFile) {
  const TemporaryFolder folder;
  save_ggla(load_lora(golden_file("adapter.bin")), folder / "out", DType::kF32, GglaNames::kGgjt);
  EXPECT_EQ(io::read_bytes(folder / "out"), io::read_bytes(golden_file("adapter.bin")));
}

TEST(SaveGgla, ScalesThatAreNoQuotientOfWholeNumbersGoIntoB) {
  const TemporaryFolder folder;
  LoraAdapter adapter = load_lora(golden_file("adapter.bin"));
  for (const float alpha : {2.7F, 0.0F, -3.0F, 1e-4F}) {
    adapter.alpha = alpha;
    adapter.entries[2].a = adapter.entries[2].a.rows_view(0, 1);  // another rank
    const tensor::Tensor b = tensor::BufferPool().make(32, 1);
    for (int64_t i = 0; i < 32; ++i) b.row(i)[0] = adapter.entries[2].b.row(i)[0];
    adapter.entries[2].b = b;
    save_ggla(adapter, folder / "out", DType::kF32, GglaNames::kGguf);
    expect_same_products(load_lora(folder / "out"), adapter, 1e-6);
  }
}

// What llama.cpp's old finetune trained besides linear layers.
TEST(ReadGgla, EmbeddingsAreAppliedAndNormsOnlyRead) {
  const TemporaryFolder folder;
  const std::vector<float> numbers(64, 0.5F);
  const auto tensor = [&](const std::string& name, int64_t rank, int64_t rows) -> io::TensorToWrite {
    return {name, DType::kF32, {rank, rows}, std::as_bytes(std::span(numbers).first(static_cast<size_t>(rank * rows)))};
  };
  for (const std::string site : {"blk.0.attn_norm", "token_embd", "output"}) {
    const int64_t out = site == "blk.0.attn_norm" ? 1 : 20;
    const std::vector<io::TensorToWrite> tensors = {tensor(site + ".weight.loraA", 2, 16),
                                                    tensor(site + ".weight.loraB", 2, out)};
    io::write_ggla(folder / "adapter", 2, 2, tensors);
    const LoraAdapter adapter = load_lora(folder / "adapter");
    EXPECT_EQ(adapter.entries[0].a.cols(), 16);
    EXPECT_EQ(adapter.entries[0].b.rows(), out);
    const std::vector<LinearSite> sites = {{"token_embd", 16, 20, SiteKind::kEmbedding},
                                           {"output", 16, 20, SiteKind::kOutput}};
    Attachment attachment(sites.size());
    const auto attach = [&] { attach_lora(adapter, "file", 1.0F, {sites, "llama"}, attachment, {}); };
    if (site == "blk.0.attn_norm") {
      expect_error(attach, ErrorKind::kUnsupported, "patina merge");
    } else {
      attach();
      EXPECT_EQ(attachment.at(site == "output" ? 1 : 0).size(), 1U);
    }
  }
  const std::vector<io::TensorToWrite> bias = {tensor("blk.0.attn_q.bias.loraA", 2, 16)};
  io::write_ggla(folder / "adapter", 2, 2, bias);
  expect_error([&] { load_lora(folder / "adapter"); }, ErrorKind::kUnsupported, "blk.0.attn_q.bias.loraA");
}

}  // namespace
}  // namespace patina::adapter
