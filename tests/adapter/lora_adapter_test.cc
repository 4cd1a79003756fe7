#include "adapter/lora_adapter.h"

#include <cmath>

#include "io/test_files.h"

namespace patina::adapter {
namespace {

using io::expect_error;
using testing::ElementsAre;

std::vector<LinearSite> model_sites() {
  std::vector<LinearSite> sites;
  for (const std::string block : {"blk.0.", "blk.1."}) {
    sites.push_back({block + "attn_q", 64, 64});
    sites.push_back({block + "attn_k", 64, 32});
    sites.push_back({block + "ffn_up", 64, 96});
    sites.push_back({block + "ffn_down", 96, 64});
  }
  return sites;
}

// Of a model with a vocabulary of 40 tokens.
std::vector<LinearSite> all_sites(bool tied = false) {
  std::vector<LinearSite> sites = model_sites();
  sites.insert(sites.begin(), {"token_embd", 64, 40, SiteKind::kEmbedding});
  if (!tied) sites.push_back({"output", 64, 40, SiteKind::kOutput});
  return sites;
}

std::vector<std::string> names_of(const std::vector<LinearSite>& sites) {
  std::vector<std::string> names;
  names.reserve(sites.size());
  for (const LinearSite& site : sites) names.push_back(site.name);
  return names;
}

std::vector<std::string> selected(std::string_view targets) { return names_of(select_sites(model_sites(), targets)); }

AttachmentTarget target_of(const std::vector<LinearSite>& sites) { return {sites, "llama", 7}; }

LoraAdapter small_adapter() {
  LoraOptions options;
  options.rank = 4;
  options.targets = "attn_k";
  LoraAdapter adapter = create_lora(model_sites(), options);
  adapter.architecture = "llama";
  adapter.base_name = "tiny";
  adapter.base_fingerprint = 7;
  return adapter;
}

TEST(SelectSites, ByNameByPatternAndInTheModelsOrder) {
  EXPECT_EQ(selected("all").size(), 8U);
  EXPECT_THAT(selected("attn"), ElementsAre("blk.0.attn_q", "blk.0.attn_k", "blk.1.attn_q", "blk.1.attn_k"));
  EXPECT_THAT(selected("ffn_down,attn_q"),
              ElementsAre("blk.0.attn_q", "blk.0.ffn_down", "blk.1.attn_q", "blk.1.ffn_down"));
  EXPECT_THAT(selected("ffn_*,blk.1.attn_?"), ElementsAre("blk.0.ffn_up", "blk.0.ffn_down", "blk.1.attn_q",
                                                          "blk.1.attn_k", "blk.1.ffn_up", "blk.1.ffn_down"));
}

TEST(SelectSites, WhatNamesNothingIsRefusedWithTheNamesThereAre) {
  expect_error([] { selected("attn_q,attn_x"); }, ErrorKind::kInvalidArgument, "'attn_x'");
  expect_error([] { selected(""); }, ErrorKind::kInvalidArgument, "attn_q, attn_k, ffn_up, ffn_down");
}

TEST(SelectSites, EmbeddingsAndTheOutputByTheirNamesAlone) {
  const auto of_all = [](std::string_view targets) { return names_of(select_sites(all_sites(), targets)); };
  EXPECT_EQ(of_all("all"), selected("all"));
  EXPECT_EQ(of_all("*").size(), 8U);
  EXPECT_EQ(of_all("output,all,token_embd"), names_of(all_sites()));
  EXPECT_THAT(of_all("lm_head"), ElementsAre("output"));
  EXPECT_THAT(of_all("embed_tokens,blk.1.attn_k"), ElementsAre("token_embd", "blk.1.attn_k"));
  EXPECT_THAT(names_of(select_sites(all_sites(), "attn_q,output", "1")), ElementsAre("blk.1.attn_q", "output"));
  for (const char* name : {"output", "lm_head"}) {
    expect_error([&] { select_sites(all_sites(true), name); }, ErrorKind::kInvalidArgument, "or name token_embd");
  }
}

std::vector<std::string> selected_in(std::string_view layers) {
  return names_of(select_sites(model_sites(), "attn_q", layers));
}

TEST(SelectSites, InSomeBlocksOnly) {
  EXPECT_THAT(selected_in("1"), ElementsAre("blk.1.attn_q"));
  EXPECT_THAT(selected_in("0-1"), ElementsAre("blk.0.attn_q", "blk.1.attn_q"));
  EXPECT_THAT(selected_in("1-"), ElementsAre("blk.1.attn_q"));
  EXPECT_THAT(selected_in("1,0"), ElementsAre("blk.0.attn_q", "blk.1.attn_q"));
  for (const char* bad : {"2", "1-0", "0-2", "a", "-", "0,", "0-1-1", "99999999999999999999"}) {
    expect_error([&] { selected_in(bad); }, ErrorKind::kInvalidArgument, "layers 0 to 1");
  }
}

TEST(CreateLora, TakesRanksByPattern) {
  LoraOptions options;
  options.rank = 2;
  options.rank_pattern = "attn_q=3,blk.1.*=5,ffn_up=7";
  const LoraAdapter adapter = create_lora(model_sites(), options);
  std::vector<int64_t> ranks;
  ranks.reserve(adapter.entries.size());
  for (const LoraEntry& entry : adapter.entries) ranks.push_back(entry.rank());
  EXPECT_THAT(ranks, ElementsAre(3, 2, 7, 2, 3, 5, 5, 5));
  for (const auto& [bad, part] : {std::pair("attn_q", "gives no rank"), std::pair("attn_q=x", "gives no rank"),
                                  std::pair("attn_q=0", "must be 1 to"), std::pair("attn_v=2", "fits no layer")}) {
    options.rank_pattern = bad;
    expect_error([&] { create_lora(model_sites(), options); }, ErrorKind::kInvalidArgument, part);
  }
}

// PEFT's rsLoRA acts with alpha / sqrt(rank).
TEST(CreateLora, ActsByTheRootOfTheRankWhereStabilized) {
  LoraOptions options;
  options.rank = 64;
  options.alpha = 16;
  options.rank_stabilized = true;
  const LoraAdapter adapter = create_lora(model_sites(), options);
  EXPECT_FLOAT_EQ(adapter.scale(adapter.entries[0]), 16.0F / 8.0F);
  options.rank_pattern = "attn_q=3";
  expect_error([&] { create_lora(model_sites(), options); }, ErrorKind::kInvalidArgument, "--rslora");
}

TEST(CreateLora, UniformAZeroBAndTheSameForASite) {
  LoraOptions options;
  options.rank = 16;
  const LoraAdapter all = create_lora(model_sites(), options);
  ASSERT_EQ(all.entries.size(), 8U);
  EXPECT_EQ(all.scale(all.entries[0]), 1.0F);
  double sum = 0;
  double squares = 0;
  int64_t count = 0;
  for (const LoraEntry& entry : all.entries) {
    ASSERT_EQ(entry.a.rows(), 16);
    ASSERT_EQ(entry.b.cols(), 16);
    const float bound = 1.0F / std::sqrt(static_cast<float>(entry.a.cols()));
    for (const float value : entry.a.values()) {
      ASSERT_LE(std::fabs(value), bound);
      sum += value / bound;
      squares += value / bound * value / bound;
      ++count;
    }
    for (const float value : entry.b.values()) ASSERT_EQ(value, 0.0F);
  }
  // Of a uniform distribution in [-1, 1]: mean 0, variance 1/3; four standard errors.
  EXPECT_NEAR(sum / static_cast<double>(count), 0.0, 4 / std::sqrt(3.0 * static_cast<double>(count)));
  EXPECT_NEAR(squares / static_cast<double>(count), 1.0 / 3, 4 * 0.298 / std::sqrt(static_cast<double>(count)));
  options.targets = "ffn_up";
  const LoraAdapter some = create_lora(model_sites(), options);
  EXPECT_TRUE(std::ranges::equal(some.entries[0].a.values(), all.entries[2].a.values()));
  options.seed = 2;
  EXPECT_FALSE(
      std::ranges::equal(create_lora(model_sites(), options).entries[0].a.values(), some.entries[0].a.values()));
}

// As PEFT begins: what is looked up by token is zero, what it is multiplied with normal.
TEST(CreateLora, EmbeddingsBeginWithNormalNumbers) {
  LoraOptions options;
  options.rank = 16;
  options.targets = "token_embd,output";
  options.rank_pattern = "output=2,*=4";
  expect_error([&] { create_lora(all_sites(), options); }, ErrorKind::kInvalidArgument, "'*' fits no layer");
  options.rank_pattern = "output=2";
  const LoraAdapter adapter = create_lora(all_sites(), options);
  ASSERT_EQ(adapter.entries.size(), 2U);
  EXPECT_EQ(adapter.entries[1].rank(), 2);
  const LoraEntry& embedding = adapter.entries[0];
  double sum = 0;
  double squares = 0;
  for (const float value : embedding.a.values()) {
    sum += double{value};
    squares += double{value} * value;
  }
  const auto count = static_cast<double>(embedding.a.size());  // 1024
  EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1, 4 * std::sqrt(2 / count));
  ASSERT_EQ(embedding.b.rows(), 40);
  for (const float value : embedding.b.values()) ASSERT_EQ(value, 0.0F);
}

TEST(CreateLora, OptionsOutOfRangeAreRefused) {
  LoraOptions options;
  options.rank = 0;
  expect_error([&] { create_lora(model_sites(), options); }, ErrorKind::kInvalidArgument, "rank");
  options = {};
  options.alpha = NAN;
  expect_error([&] { create_lora(model_sites(), options); }, ErrorKind::kInvalidArgument, "alpha");
}

TEST(AttachLora, TermsShareTheTensorsAndCarryTheScale) {
  const std::vector<LinearSite> sites = model_sites();
  const LoraAdapter adapter = small_adapter();
  Attachment attachment(sites.size());
  attach_lora(adapter, "a.gguf", 0.5F, target_of(sites), attachment, {});
  attach_lora(adapter, "a.gguf", 1.0F, target_of(sites), attachment, {});
  EXPECT_TRUE(attachment.at(0).empty());
  ASSERT_EQ(attachment.at(1).size(), 2U);
  ASSERT_EQ(attachment.at(5).size(), 2U);
  EXPECT_EQ(attachment.at(5)[0].a.key(), adapter.entries[1].a.key());
  EXPECT_EQ(attachment.at(5)[0].scale, 0.5F * 16 / 4);
  EXPECT_EQ(attachment.at(5)[1].scale, 16.0F / 4);
}

// A file in which every weight of blk.0.attn_k is 0.5: rows of the length 4.
TEST(AttachLora, MagnitudesBecomeGainsAndComeFirst) {
  const io::TemporaryFolder folder;
  const std::vector<float> halves(static_cast<size_t>(64 * 32), 0.5F);
  io::Metadata metadata;
  const std::vector<io::TensorToWrite> tensors = {
      {"blk.0.attn_k.weight", quant::DType::kF32, {64, 32}, std::as_bytes(std::span(halves))}};
  io::write_gguf(folder / "base.gguf", metadata, tensors);
  const auto file = io::ModelFile::open(folder / "base.gguf");
  ThreadPool pool(2);
  const BaseWeights weights{*file, pool, kernels::default_kernels()};
  const std::vector<LinearSite> sites = model_sites();
  LoraAdapter adapter = small_adapter();  // B is zero
  adapter.entries.resize(1);
  adapter.entries[0].magnitude = tensor::BufferPool().make(32, 1);
  for (int64_t i = 0; i < 32; ++i) *adapter.entries[0].magnitude.row(i) = static_cast<float>(i);
  Attachment attachment(sites.size());
  expect_error([&] { attach_lora(adapter, "a", 1.0F, target_of(sites), attachment, {}); }, ErrorKind::kUnsupported,
               "cannot be applied here");
  AttachmentTarget target = target_of(sites);
  target.weights = &weights;
  attach_lora(small_adapter(), "b", 1.0F, target, attachment, {});
  attach_lora(adapter, "a", 1.0F, target, attachment, {});
  ASSERT_EQ(attachment.at(1).size(), 2U);
  ASSERT_TRUE(attachment.at(1)[0].gain);
  EXPECT_FLOAT_EQ(*attachment.at(1)[0].gain.row(6), 1.5F);
  expect_error([&] { attach_lora(adapter, "c", 1.0F, target, attachment, {}); }, ErrorKind::kUnsupported,
               "second adapter with magnitudes");
}

TEST(AttachLora, WhatDoesNotFitIsRefusedWithTheReason) {
  const std::vector<LinearSite> sites = model_sites();
  Attachment attachment(sites.size());
  const auto refuse = [&](const LoraAdapter& adapter, const std::string& part) {
    expect_error([&] { attach_lora(adapter, "a.gguf", 1.0F, target_of(sites), attachment, {}); },
                 ErrorKind::kIncompatible, part);
  };
  LoraAdapter other = small_adapter();
  other.architecture = "gemma3";
  refuse(other, "a.gguf does not fit this model: it was made for a model of architecture gemma3, this is llama");
  LoraAdapter deeper = small_adapter();
  deeper.entries[1].site = "blk.2.attn_k";
  refuse(deeper, "blk.2.attn_k, which the model does not have");
  LoraAdapter wider = small_adapter();
  wider.entries[1].site = "blk.1.attn_q";
  refuse(wider, "blk.1.attn_q is 32 x 64 in the adapter, 64 x 64 in the model");
  LoraAdapter output = small_adapter();
  output.entries[1].site = "output";
  refuse(output, "this model has none besides its token embeddings");
  for (size_t i = 0; i < sites.size(); ++i) EXPECT_TRUE(attachment.at(i).empty());
  LoraAdapter norm = small_adapter();
  norm.entries[1].site = "output_norm";
  expect_error([&] { attach_lora(norm, "a.gguf", 1.0F, target_of(sites), attachment, {}); }, ErrorKind::kUnsupported,
               "patina merge");
}

TEST(AttachLora, AnotherBaseOfTheSameShapeIsAWarning) {
  const std::vector<LinearSite> sites = model_sites();
  std::string warnings;
  const LogSink sink = [&](LogLevel level, std::string_view text) {
    if (level == LogLevel::kWarning) warnings += text;
  };
  Attachment attachment(sites.size());
  attach_lora(small_adapter(), "a.gguf", 1.0F, target_of(sites), attachment, sink);
  EXPECT_EQ(warnings, "");
  attach_lora(small_adapter(), "a.gguf", 1.0F, {sites, "llama", 8}, attachment, sink);
  EXPECT_THAT(warnings, testing::HasSubstr("a.gguf was trained on another model of this shape (tiny)"));
}

TEST(SharedPromptTemplate, ConflictsAreRefused) {
  std::vector<LoraAdapter> adapters(3);
  EXPECT_EQ(shared_prompt_template(adapters), "");
  adapters[1].prompt_template = "instruction";
  EXPECT_EQ(shared_prompt_template(adapters), "instruction");
  adapters[2].prompt_template = "chatml";
  expect_error([&] { shared_prompt_template(adapters); }, ErrorKind::kIncompatible, "--template");
}

}  // namespace
}  // namespace patina::adapter
