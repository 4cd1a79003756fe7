#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "adapter/attachment.h"
#include "adapter/lora_adapter.h"
#include "base/log.h"
#include "engine/prompt.h"
#include "io/model_file.h"
#include "kernels/dispatch.h"
#include "model/kv_cache.h"
#include "model/model.h"
#include "ops/context.h"
#include "threading/thread_pool.h"
#include "tokenizer/tokenizer.h"

namespace patina::engine {

struct AdapterChoice {
  std::filesystem::path path;
  float scale = 1.0F;
};

// Guesses checked in one pass, at most: with the token before them these are the rows that come out of a pass to the
// last bit as each would alone.
constexpr int64_t kMostGuesses = ops::kFewRows - 1;

// Whether and how answers are guessed ahead (Drafter). What is answered does not depend on it, only how fast.
struct SpeculationOptions {
  bool enabled = true;
  int64_t most = kMostGuesses;        // tokens proposed at once; a Runtime takes more for kMostGuesses
  std::filesystem::path draft_model;  // that guesses; empty: guesses come from the text itself
  int64_t least = 0;                  // a draft model's guess of fewer tokens is left out
  float least_probability = 0.75F;    // a draft model stops guessing at a token less likely to it than that
};

struct RuntimeOptions {
  std::filesystem::path model;
  io::LegacyHints hints;  // for GGJT files
  int threads = 0;        // 0 or less: platform::default_threads()
  int64_t context = 0;    // positions of one sequence, up to kMostContext; 0: the model's, up to kDefaultContext
  std::vector<AdapterChoice> adapters;
  std::string prompt_template;  // --template, see PromptRuleSources
  std::string chat_template;    // --chat-template
  bool raw = false;             // prompts are never wrapped (only what the log says; make_prompt() takes it again)
  bool precise = false;         // ops::Context
  model::KvTypes cache_types;
  bool sketch = true;  // logits() may take memory for its shortcut
  SpeculationOptions speculation;
  model::Packing packing = model::Packing::kAtOnce;  // kLater: the first token comes sooner, the second later
};

constexpr int64_t kDefaultContext = 4096;
constexpr int64_t kMostContext = int64_t{1} << 24;  // positions become f32 (ops/rope.h), which is exact up to there

// Everything that answering takes: the loaded model with its adapters, the tokenizer, threads and kernels. Immutable
// after opening and safe to share between threads that bring a context each.
class Runtime {
 public:
  // Opens, loads and attaches, and logs what there is: model, threads, instruction set, adapters, the template in use.
  // Throws what ModelFile::open(), Tokenizer::create(), Model::load(), load_lora(), attach_lora() and
  // resolve_prompt_rules() throw; kInvalidArgument for an adapter in the model's place, a draft model of another
  // vocabulary, or a context that is negative or beyond kMostContext. One beyond the model's own is a warning.
  static std::unique_ptr<Runtime> open(const RuntimeOptions& options, const LogSink& log = {});

  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const model::Model& model() const { return *model_; }
  const tokenizer::Tokenizer& tokenizer() const { return *tokenizer_; }
  const adapter::Attachment& attachment() const { return attachment_; }
  const std::vector<adapter::LoraAdapter>& adapters() const { return adapters_; }
  const PromptRules& prompt_rules() const { return rules_; }
  ThreadPool& pool() const { return *pool_; }
  const kernels::Kernels& kernels() const { return *kernels_; }
  int64_t context_length() const { return context_length_; }
  model::KvTypes cache_types() const { return cache_types_; }
  const SpeculationOptions& speculation() const { return speculation_; }
  const Runtime* draft() const { return draft_.get(); }  // the draft model, which shares the pool; null: there is none
  // general.name of the file, or the file's name without its extension.
  const std::string& model_name() const { return model_name_; }
  bool precise() const { return precise_; }

  // The logits [rows x vocab_size] of hidden states, of whose tokens only the decisive[i] largest of row i (0: all) are
  // sure to be the model's own; others may be approximations, which are smaller than those. Much faster than
  // Model::logits() where few are asked for, the vocabulary is a large part of the model and no adapter changes the
  // output; but the first such call prepares for it, and takes memory for the vocabulary matrix in 4 bits. Where there
  // is not enough for that, all logits are the model's own. Throws kOutOfMemory or std::bad_alloc where there is none
  // for the logits themselves.
  ops::Tensor logits(ops::Context& context, const ops::Tensor& hidden, std::span<const int64_t> decisive,
                     const adapter::Attachment& adapters) const;
  // Bytes of weights that a forward pass with attachment() reads for so many rows of logits, a few decisive each.
  int64_t read_bytes(int64_t rows) const;

  // A context for one thread's forward passes; `buffers` belongs to that thread and must outlive it.
  ops::Context make_context(tensor::BufferPool& buffers) const;

 private:
  Runtime();
  void load_model(const RuntimeOptions& options, const LogSink& log);
  void load_draft(const RuntimeOptions& options, const LogSink& log);
  void load_adapters(const RuntimeOptions& options, const LogSink& log);
  bool seeks(int64_t rows, const adapter::Attachment& adapters) const;
  void set_rules(const RuntimeOptions& options, const LogSink& log);

  std::shared_ptr<ThreadPool> pool_;
  const kernels::Kernels* kernels_ = nullptr;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_;
  std::unique_ptr<model::Model> model_;
  struct Shortcut;
  std::unique_ptr<Shortcut> shortcut_;  // to the largest logits; null where it would not pay
  std::vector<adapter::LoraAdapter> adapters_;
  adapter::Attachment attachment_;
  PromptRules rules_;
  std::string model_name_;
  int64_t context_length_ = 0;
  model::KvTypes cache_types_;
  bool precise_ = false;
  SpeculationOptions speculation_;
  std::unique_ptr<Runtime> draft_;
};

}  // namespace patina::engine
