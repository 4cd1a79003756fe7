#pragma once

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/generator.h"
#include "engine/runtime.h"
#include "io/test_files.h"

namespace patina::engine {

struct TinyModelOptions {
  char eos_instead_of = 0;  // the model chooses EOS where it would have chosen this letter
  std::string chat_template;
  int extra_tokens = 0;  // in the vocabulary, without embeddings
  int more_tokens = 0;   // in the vocabulary, with embeddings
  int spare_rows = 0;    // of the embeddings and the output, the largest of all, which belong to no token
  float noise = 0.0F;    // of the weights, relative to their size: a model that mostly answers like the one without
};

// Writes llama models of random weights, small enough to run in a millisecond. Their tokens are bytes and the letters a
// to z; greedy answers are letters, because the output rows of all else are zero.
class TinyModelWriter {
 public:
  explicit TinyModelWriter(const TinyModelOptions& options)
      : options_(options), rows_(kVocab + options.more_tokens + options.spare_rows), random_(7), noise_(8) {}

  void write(const std::filesystem::path& path) {
    set_metadata();
    set_vocabulary();
    add_matrix("token_embd.weight", kHidden, rows_, 1.0F);
    for (int layer = 0; layer < kLayers; ++layer) add_layer("blk." + std::to_string(layer) + ".");
    add_norm("output_norm.weight");
    add_output();
    io::write_gguf(path, metadata_, tensors_);
  }

  static constexpr int kHidden = 64;
  static constexpr int kKeys = 32;
  static constexpr int kFeedForward = 96;
  static constexpr int kLayers = 2;
  static constexpr int kLetters = 26;
  static constexpr int kFirstLetter = 3 + 256;
  static constexpr int kVocab = kFirstLetter + kLetters;
  static constexpr int kContext = 1024;

 private:
  std::vector<float>& add_matrix(const std::string& name, int64_t in, int64_t out, float size) {
    std::vector<float>& values = values_.emplace_back();
    values.resize(static_cast<size_t>(in * out));
    std::uniform_real_distribution<float> uniform(-size, size);
    for (float& value : values) value = uniform(random_);
    for (float& value : values) value += options_.noise * uniform(noise_);
    tensors_.push_back({name, quant::DType::kF32, {in, out}, std::as_bytes(std::span(values))});
    return values;
  }

  void add_norm(const std::string& name) {
    std::vector<float>& values = add_matrix(name, kHidden, 1, 0.0F);
    for (float& value : values) value = 1.0F;
    tensors_.back().shape = {kHidden};
  }

  void add_layer(const std::string& prefix) {
    constexpr float kSize = 0.25F;
    add_norm(prefix + "attn_norm.weight");
    add_matrix(prefix + "attn_q.weight", kHidden, kHidden, kSize);
    add_matrix(prefix + "attn_k.weight", kHidden, kKeys, kSize);
    add_matrix(prefix + "attn_v.weight", kHidden, kKeys, kSize);
    add_matrix(prefix + "attn_output.weight", kHidden, kHidden, kSize);
    add_norm(prefix + "ffn_norm.weight");
    add_matrix(prefix + "ffn_gate.weight", kHidden, kFeedForward, kSize);
    add_matrix(prefix + "ffn_up.weight", kHidden, kFeedForward, kSize);
    add_matrix(prefix + "ffn_down.weight", kFeedForward, kHidden, kSize);
  }

  void add_output() {
    std::vector<float>& rows = add_matrix("output.weight", kHidden, rows_, 1.0F);
    std::fill_n(rows.begin(), static_cast<size_t>(kFirstLetter) * kHidden, 0.0F);
    for (size_t i = static_cast<size_t>(rows_ - options_.spare_rows) * kHidden; i < rows.size(); ++i) rows[i] *= 3.0F;
    if (options_.eos_instead_of == 0) return;
    const size_t letter = static_cast<size_t>(kFirstLetter + options_.eos_instead_of - 'a') * kHidden;
    constexpr size_t kEos = 2;
    for (size_t i = 0; i < kHidden; ++i) rows[kEos * kHidden + i] = 1.01F * rows[letter + i];
  }

  void set_metadata() {
    metadata_.set("general.architecture", std::string("llama"));
    metadata_.set("general.name", std::string("tiny"));
    metadata_.set("llama.context_length", uint64_t{kContext});
    metadata_.set("llama.embedding_length", uint64_t{kHidden});
    metadata_.set("llama.block_count", uint64_t{kLayers});
    metadata_.set("llama.feed_forward_length", uint64_t{kFeedForward});
    metadata_.set("llama.attention.head_count", uint64_t{4});
    metadata_.set("llama.attention.head_count_kv", uint64_t{2});
    metadata_.set("llama.attention.layer_norm_rms_epsilon", 1e-5);
  }

  void set_vocabulary() {
    std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
    std::vector<int64_t> kinds = {2, 3, 3};
    for (int byte = 0; byte < 256; ++byte) {
      tokens.push_back(fmt::format("<0x{:02X}>", byte));
      kinds.push_back(6);
    }
    for (char letter = 'a'; letter <= 'z'; ++letter) tokens.emplace_back(1, letter);
    for (int i = 0; i < options_.more_tokens + options_.extra_tokens; ++i) tokens.push_back(fmt::format("extra{}", i));
    kinds.resize(tokens.size(), 1);
    metadata_.set("tokenizer.ggml.scores", io::MetaArray(std::vector<double>(tokens.size(), 0.0)));
    metadata_.set("tokenizer.ggml.model", std::string("llama"));
    metadata_.set("tokenizer.ggml.tokens", io::MetaArray(std::move(tokens)));
    metadata_.set("tokenizer.ggml.token_type", io::MetaArray(std::move(kinds)));
    metadata_.set("tokenizer.ggml.add_space_prefix", false);
    if (!options_.chat_template.empty()) metadata_.set("tokenizer.chat_template", options_.chat_template);
  }

  TinyModelOptions options_;
  int rows_;  // of the embeddings
  std::mt19937 random_;
  std::mt19937 noise_;
  io::Metadata metadata_;
  std::deque<std::vector<float>> values_;  // stay in place while more are added
  std::vector<io::TensorToWrite> tensors_;
};

// A folder with a tiny model, and the options that open it.
struct TinyModel {
  explicit TinyModel(const TinyModelOptions& model = {}) {
    TinyModelWriter(model).write(folder / "tiny.gguf");
    options.model = folder / "tiny.gguf";
    options.threads = 2;
  }
  std::unique_ptr<Runtime> open() const { return Runtime::open(options); }

  io::TemporaryFolder folder;
  RuntimeOptions options;
};

// An adapter that changes answers.
inline std::filesystem::path write_adapter(const TinyModel& model, const std::string& prompt_template,
                                           const std::string& targets = "all") {
  const auto runtime = model.open();
  adapter::LoraAdapter adapter = adapter::create_lora(runtime->model().sites(), {.targets = targets});
  adapter.architecture = "llama";
  adapter.base_fingerprint = runtime->model().fingerprint();
  adapter.prompt_template = prompt_template;
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
  for (const adapter::LoraEntry& entry : adapter.entries) {
    for (float& value : entry.b.values()) value = uniform(random);
  }
  const std::filesystem::path path = model.folder / ("adapter_" + prompt_template + ".bin");
  adapter::save_lora(adapter, path, quant::DType::kF32);
  return path;
}

inline GenerationParams greedy(int64_t max_tokens) {
  GenerationParams params;
  params.sampling.temperature = 0.0F;
  params.max_tokens = max_tokens;
  return params;
}

struct Answered {
  std::string text;
  std::vector<std::string> pieces;
  Generation generation;
};

inline Answered answer(Generator& generator, std::span<const TokenId> prompt, const GenerationParams& params) {
  Answered result;
  result.generation = generator.generate(prompt, params, [&](std::string_view text) {
    result.text += text;
    result.pieces.emplace_back(text);
  });
  return result;
}

inline Answered answer(const Runtime& runtime, std::string_view prompt, const GenerationParams& params) {
  Generator generator(runtime);
  return answer(generator, runtime.tokenizer().encode(prompt), params);
}

}  // namespace patina::engine
