#include "adapter/peft/peft_folder.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adapter/weight_change.h"
#include "io/safetensors/writer.h"
#include "io/test_files.h"
#include "quant/dequantize.h"

namespace patina::adapter {
namespace {

namespace fs = std::filesystem;
using io::expect_error;
using io::TemporaryFolder;
using nlohmann::json;
using quant::DType;

// Made by scripts/golden/peft_folders.py.
fs::path golden_folder(const std::string& name) { return fs::path(PATINA_SOURCE_DIR) / "tests/golden/peft" / name; }

BaseModel base_of(const std::string& architecture) { return {architecture, 4, 2}; }

// Each entry's scale * B A against what PEFT adds to the weight.
void expect_products(const LoraAdapter& adapter, const std::string& name) {
  const auto expected = io::ModelFile::open(golden_folder(name + "-expected.safetensors"));
  ASSERT_EQ(adapter.entries.size(), expected->tensors().size());
  for (const LoraEntry& entry : adapter.entries) {
    const io::TensorInfo& delta = expected->require(entry.site);
    ASSERT_EQ(delta.rows(), entry.b.rows());
    ASSERT_EQ(delta.row_length(), entry.a.cols());
    std::vector<float> values(static_cast<size_t>(delta.elements()));
    quant::dequantize(delta.type, delta.data, values);
    for (int64_t i = 0; i < entry.b.rows(); ++i) {
      for (int64_t j = 0; j < entry.a.cols(); ++j) {
        double sum = 0;
        for (int64_t r = 0; r < entry.rank(); ++r) sum += double{entry.b.row(i)[r]} * entry.a.row(r)[j];
        const double value = values[static_cast<size_t>(i * entry.a.cols() + j)];
        ASSERT_NEAR(adapter.scale(entry) * sum, value, 1e-5 * (1 + std::fabs(value))) << entry.site << " " << i;
      }
    }
  }
}

TEST(LoadPeft, ActsAsInPeft) {
  expect_products(load_lora(golden_folder("plain"), base_of("llama")), "plain");
  expect_products(load_lora(golden_folder("brain"), base_of("qwen3")), "brain");
}

// Whose base weights PEFT saves beside it.
TEST(LoadPeft, EmbeddingsAndTheOutputActAsInPeft) {
  const LoraAdapter adapter = load_lora(golden_folder("vocabulary"), base_of("llama"));
  expect_products(adapter, "vocabulary");
  EXPECT_EQ(adapter.entries.front().site, "token_embd");
  EXPECT_EQ(adapter.entries.back().site, "output");
}

TEST(LoadPeft, RankStabilizedWithPatternsOfRanksAndAlphas) {
  const LoraAdapter adapter = load_lora(golden_folder("patterns"), base_of("llama"));
  expect_products(adapter, "patterns");
  EXPECT_EQ(adapter.entries[0].site, "blk.0.attn_q");
  EXPECT_EQ(adapter.entries[7].rank(), 2);
  EXPECT_EQ(adapter.entries[13].site, "blk.1.ffn_down");
  EXPECT_EQ(adapter.entries[13].rank(), 3);
}

// With DoRA the weights decide too: what they become against what PEFT merges.
TEST(LoadPeft, MagnitudesActAsInPeft) {
  const LoraAdapter adapter = load_lora(golden_folder("dora"), base_of("llama"));
  ASSERT_TRUE(adapter.has_magnitudes());
  const auto base = io::ModelFile::open(golden_folder("dora-base.gguf"));
  const auto expected = io::ModelFile::open(golden_folder("dora-expected.safetensors"));
  const kernels::Kernels& kernels = kernels::default_kernels();
  const WeightChange change(adapter, "dora", 1.0F, *base, kernels);
  ThreadPool pool(2);
  for (const LoraEntry& entry : adapter.entries) {
    const io::TensorInfo& weight = base->require(entry.site + ".weight");
    std::vector<float> before(static_cast<size_t>(weight.elements()));
    quant::dequantize(weight.type, weight.data, before);
    std::vector<float> after = before;
    change.apply(weight, 0, after);
    std::vector<float> delta(before.size());
    const io::TensorInfo& deltas = expected->require(entry.site);
    quant::dequantize(deltas.type, deltas.data, delta);
    // gain * (W + scale B A) is the same, row by row.
    const tensor::Tensor gain = gains(entry, adapter.scale(entry), {*base, pool, kernels});
    for (size_t i = 0; i < before.size(); ++i) {
      ASSERT_NEAR(after[i] - before[i], delta[i], 1e-5 * (1 + std::fabs(delta[i]))) << entry.site << " " << i;
      const auto row = static_cast<int64_t>(i) / entry.a.cols();
      const auto column = static_cast<int64_t>(i) % entry.a.cols();
      double sum = before[i];
      for (int64_t r = 0; r < entry.rank(); ++r) {
        sum += double{adapter.scale(entry)} * entry.b.row(row)[r] * entry.a.row(r)[column];
      }
      ASSERT_NEAR(*gain.row(row) * sum, before[i] + delta[i], 1e-5 * (1 + std::fabs(sum))) << entry.site << " " << i;
    }
  }
}

TEST(LoadPeft, IsKnownByItsContentAndNeedsItsModel) {
  const LoraAdapter adapter = load_lora(golden_folder("plain") / "adapter_model.safetensors", base_of("llama"));
  EXPECT_EQ(adapter.architecture, "llama");
  EXPECT_EQ(adapter.base_name, "tiny");
  EXPECT_EQ(adapter.alpha, 6.0F);
  expect_error([] { load_lora(golden_folder("plain")); }, ErrorKind::kInvalidArgument, "--base");
  expect_error([] { load_lora(golden_folder("plain-expected.safetensors")); }, ErrorKind::kInvalidArgument,
               "given as the folder");
  expect_error([] { load_lora(golden_folder("plain"), BaseModel{"llama", 5, 3}); }, ErrorKind::kIncompatible,
               "3 heads");
}

TEST(SavePeft, GivesThePackagesOwnFile) {
  const TemporaryFolder folder;
  const LoraAdapter adapter = load_lora(golden_folder("plain"), base_of("llama"));
  save_peft(adapter, folder / "out", DType::kF32, base_of("llama"));
  EXPECT_EQ(io::read_bytes(folder / "out" / "adapter_model.safetensors"),
            io::read_bytes(golden_folder("plain") / "adapter_model.safetensors"));
  const auto parse = [](const fs::path& path) { return json::parse(std::ifstream(path)); };
  const json theirs = parse(golden_folder("plain") / "adapter_config.json");
  const json ours = parse(folder / "out" / "adapter_config.json");
  for (const auto& [key, value] : ours.items()) {
    if (key == "target_modules") continue;
    EXPECT_EQ(value, theirs[key]) << key;
  }
  EXPECT_EQ(ours["target_modules"].size(), 6U);
  EXPECT_EQ(ours["target_modules"][0], "model.layers.0.self_attn.q_proj");
}

TEST(SavePeft, GivesThePackagesOwnTensorsOfEmbeddingsAndTheOutput) {
  const TemporaryFolder folder;
  const LoraAdapter adapter = load_lora(golden_folder("vocabulary"), base_of("llama"));
  save_peft(adapter, folder / "out", DType::kF32, base_of("llama"));
  const auto ours = io::ModelFile::open(folder / "out" / "adapter_model.safetensors");
  const auto theirs = io::ModelFile::open(golden_folder("vocabulary") / "adapter_model.safetensors");
  EXPECT_EQ(ours->tensors().size(), 8U);
  EXPECT_EQ(theirs->tensors().size(), 10U) << "with the base's embeddings and output";
  for (const io::TensorInfo& tensor : ours->tensors()) {
    EXPECT_EQ(tensor.shape, theirs->require(tensor.name).shape) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(tensor.data, theirs->require(tensor.name).data)) << tensor.name;
  }
  const json config = json::parse(std::ifstream(folder / "out" / "adapter_config.json"));
  EXPECT_EQ(config["target_modules"].front(), "model.embed_tokens");
  EXPECT_EQ(config["target_modules"].back(), "lm_head");
}

TEST(SavePeft, KeepsMagnitudes) {
  const TemporaryFolder folder;
  const LoraAdapter adapter = load_lora(golden_folder("dora"), base_of("llama"));
  save_peft(adapter, folder / "out", DType::kF32, base_of("llama"));
  EXPECT_EQ(io::read_bytes(folder / "out" / "adapter_model.safetensors"),
            io::read_bytes(golden_folder("dora") / "adapter_model.safetensors"));
  EXPECT_EQ(json::parse(std::ifstream(folder / "out" / "adapter_config.json"))["use_dora"], true);
  for (const DType type : {DType::kF32, DType::kF16}) {
    save_lora(adapter, folder / "adapter.gguf", type);
    const LoraAdapter copy = load_lora(folder / "adapter.gguf");
    for (size_t i = 0; i < copy.entries.size(); ++i) {
      EXPECT_TRUE(std::ranges::equal(copy.entries[i].magnitude.values(), adapter.entries[i].magnitude.values()));
    }
  }
  LoraAdapter some = adapter;
  some.entries[1].magnitude = {};
  expect_error([&] { save_peft(some, folder / "some", DType::kF32, base_of("llama")); }, ErrorKind::kUnsupported,
               "all or none");
}

TEST(SavePeft, KeepsRanksScalesAndWhatPeftHasNoPlaceFor) {
  const TemporaryFolder folder;
  LoraAdapter adapter = load_lora(golden_folder("patterns"), base_of("llama"));
  adapter.base_fingerprint = (uint64_t{1} << 63) + 5;
  adapter.prompt_template = "instruction";
  save_peft(adapter, folder / "out", DType::kF32, base_of("llama"));
  const LoraAdapter copy = load_lora(folder / "out", base_of("llama"));
  expect_products(copy, "patterns");
  EXPECT_EQ(copy.base_fingerprint, adapter.base_fingerprint);
  EXPECT_EQ(copy.prompt_template, "instruction");
  adapter.alpha = 0;  // every entry acts with 1
  save_peft(adapter, folder / "ones", DType::kF32, base_of("llama"));
  const LoraAdapter ones = load_lora(folder / "ones", base_of("llama"));
  for (size_t i = 0; i < ones.entries.size(); ++i) {
    const float factor = ones.scale(ones.entries[i]);
    for (int64_t j = 0; j < ones.entries[i].b.size(); ++j) {
      ASSERT_NEAR(ones.entries[i].b.data()[j] * factor, adapter.entries[i].b.data()[j], 1e-5);
    }
  }
}

TEST(SavePeft, RefusesWhatItCannotExpressAndOverwritesNothing) {
  const TemporaryFolder folder;
  LoraAdapter adapter = load_lora(golden_folder("plain"), base_of("llama"));
  const auto save = [&](const std::optional<BaseModel>& base) {
    save_peft(adapter, folder / "out", DType::kF16, base);
  };
  expect_error([&] { save({}); }, ErrorKind::kInvalidArgument, "--base");
  expect_error([&] { save(base_of("qwen2")); }, ErrorKind::kIncompatible, "llama, not qwen2");
  EXPECT_TRUE(fs::is_empty(folder.path()));
  save(base_of("llama"));
  expect_error([&] { save(base_of("llama")); }, ErrorKind::kInvalidArgument, "exists");
  adapter.entries[1].site = "output_norm";
  expect_error([&] { save(base_of("llama")); }, ErrorKind::kUnsupported, "output_norm");
}

// The golden adapter "plain" with something changed.
class Damaged {
 public:
  Damaged() { fs::copy(golden_folder("plain"), folder_ / "adapter"); }
  void config(const std::string& key, const json& value) const {
    json text = json::parse(std::ifstream(golden_folder("plain") / "adapter_config.json"));
    text[key] = value;
    std::ofstream(path() / "adapter_config.json") << text;
  }
  void tensors(const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors) const {
    const std::vector<float> zeros(4096);
    std::vector<io::TensorToWrite> written;
    for (const auto& [name, shape] : tensors) {
      const auto size = static_cast<size_t>(shape[0] * shape[1]);
      written.push_back({name, DType::kF32, shape, std::as_bytes(std::span(zeros).first(size))});
    }
    io::write_safetensors(path() / "adapter_model.safetensors", {}, written);
  }
  fs::path path() const { return folder_ / "adapter"; }
  void expect(ErrorKind kind, const std::string& part) const {
    expect_error([&] { load_lora(path(), base_of("llama")); }, kind, part);
  }

 private:
  TemporaryFolder folder_;
};

TEST(LoadPeft, OtherMethodsAreRefusedByName) {
  const Damaged adapter;
  const std::pair<const char*, json> cases[] = {
      {"peft_type", "IA3"},           {"modules_to_save", {"lm_head"}}, {"bias", "all"},
      {"use_qalora", true},           {"fan_in_fan_out", true},         {"layer_replication", {{0, 1}}},
      {"init_lora_weights", "pissa"}, {"ensure_weight_tying", true},
  };
  for (const auto& [key, value] : cases) {
    adapter.config(key, value);
    adapter.expect(ErrorKind::kUnsupported, value.is_string() ? value.get<std::string>().substr(0, 3) : key);
  }
}

TEST(LoadPeft, DamagedSettingsAreRefused) {
  const Damaged adapter;
  adapter.config("use_dora", true);
  adapter.expect(ErrorKind::kInvalidData, "no magnitudes");
  adapter.config("alpha_pattern", {{"(", 3}});
  adapter.expect(ErrorKind::kInvalidData, "no regular expression");
  adapter.config("alpha_pattern", {{"(.*.*.*.*.*.*.*.*.*.*)*0", 3}});
  adapter.expect(ErrorKind::kInvalidData, "too long");
  adapter.config("alpha_pattern", json::array({1}));
  adapter.expect(ErrorKind::kInvalidData, "alpha_pattern");
  adapter.config("lora_alpha", "8");
  adapter.expect(ErrorKind::kInvalidData, "lora_alpha");
  adapter.config("lora_alpha", 1e300);
  adapter.expect(ErrorKind::kInvalidData, "too large");
  std::ofstream(adapter.path() / "adapter_config.json") << "{";
  adapter.expect(ErrorKind::kInvalidData, "no JSON");
  fs::remove(adapter.path() / "adapter_config.json");
  adapter.expect(ErrorKind::kNotFound, "adapter_config.json");
}

TEST(LoadPeft, TensorsMustFitTogether) {
  const std::string layer = "base_model.model.model.layers.0.self_attn.v_proj";
  const Damaged adapter;
  adapter.tensors({{layer + ".lora_A.weight", {16, 2}}});
  adapter.expect(ErrorKind::kInvalidData, "no lora_b");
  adapter.tensors({{layer + ".lora_A.weight", {16, 2}}, {layer + ".lora_B.weight", {3, 16}}});
  adapter.expect(ErrorKind::kInvalidData, "rank 2 in lora_a and 3 in lora_b");
  const std::string nested = "base_model.model.model.language_model.layers.0.self_attn.v_proj";
  adapter.tensors({{layer + ".lora_A.weight", {16, 2}},
                   {layer + ".lora_B.weight", {2, 16}},
                   {nested + ".lora_A.weight", {16, 2}},
                   {nested + ".lora_B.weight", {2, 16}}});
  adapter.expect(ErrorKind::kInvalidData, "twice");
  adapter.tensors({{"base_model.model.lora_A.weight", {16, 2}}});
  adapter.expect(ErrorKind::kUnsupported, "base_model.model.lora_A.weight");
  adapter.tensors({{"base_model.model.model.norm.lora_A.weight", {16, 2}}});
  adapter.expect(ErrorKind::kUnsupported, "model.norm");
  adapter.tensors({{"base_model.model.lm_head.lora_A.weight", {16, 2}}});
  adapter.expect(ErrorKind::kInvalidData, "no lora_b");
  adapter.tensors({{"base_model.model.lm_head.base_layer.weight", {16, 8}}});
  adapter.expect(ErrorKind::kInvalidData, "without tensors");
  const std::string embeddings = "base_model.model.model.embed_tokens";
  adapter.tensors({{embeddings + ".lora_A.weight", {16, 2}}});
  adapter.expect(ErrorKind::kUnsupported, "model.embed_tokens by lora_A.weight");
  adapter.tensors({{layer + ".lora_embedding_A", {16, 2}}});
  adapter.expect(ErrorKind::kUnsupported, "lora_embedding_A");
  adapter.tensors({{embeddings + ".lora_embedding_A", {8, 2}}, {embeddings + ".lora_embedding_B", {3, 16}}});
  adapter.expect(ErrorKind::kInvalidData, "rank 3 in lora_a and 2 in lora_b");
}

TEST(LoadPeft, APickleIsRefused) {
  const Damaged adapter;
  fs::rename(adapter.path() / "adapter_model.safetensors", adapter.path() / "adapter_model.bin");
  adapter.expect(ErrorKind::kUnsupported, "pickle");
}

}  // namespace
}  // namespace patina::adapter
