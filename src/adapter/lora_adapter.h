#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/attachment.h"
#include "adapter/base_model.h"
#include "adapter/linear_site.h"
#include "base/log.h"
#include "io/model_file.h"
#include "kernels/dispatch.h"
#include "quant/dtype.h"
#include "tensor/tensor.h"
#include "threading/thread_pool.h"

namespace patina::adapter {

// The correction of the matrix W [out x in] of a linear layer: y += (alpha / rank) * B (A x). Of the token embeddings,
// whose rows are looked up, row t becomes W_t + (alpha / rank) * B_t A. With magnitudes (Liu et al. 2024, "DoRA") each
// row of W + (alpha / rank) B A is brought to the length that its magnitude says.
struct LoraEntry {
  std::string site;  // "blk.0.attn_q"
  tensor::Tensor a;  // [rank x in]
  tensor::Tensor b;  // [out x rank]
  // NOLINTNEXTLINE(readability-redundant-member-init): g++ warns without it where a list leaves it out
  tensor::Tensor magnitude = {};  // [out x 1], or empty

  int64_t rank() const { return a.rows(); }
};

// How a new adapter is made.
struct LoraOptions {
  int64_t rank = 8;             // 1 to kMaxRank
  float alpha = 16.0F;          // positive; an entry acts with alpha / rank
  std::string targets = "all";  // see select_sites()
  // NOLINTBEGIN(readability-redundant-member-init): g++ warns without them where a list leaves them out
  std::string layers = {};  // see select_sites()
  // Ranks of some layers: "attn_*=16,ffn_*=4"; the first that fits counts, others have rank.
  std::string rank_pattern = {};
  // NOLINTEND(readability-redundant-member-init)
  bool rank_stabilized = false;  // act with alpha / sqrt(rank) (Kalajdzievski, 2023, "rsLoRA"); one rank for all
  uint64_t seed = 1;
};

constexpr int64_t kMaxRank = 4096;

// Where files name a prompt template: adapters, and models that one was merged into.
constexpr std::string_view kPromptTemplateKey = "patina.prompt_template";

// A LoRA adapter in memory, in f32 (Hu et al. 2021, "LoRA"). A plain value; copies share the tensors' memory. Not
// thread safe while the tensors change; read by any number of threads.
struct LoraAdapter {
  std::string name;               // general.name, may be empty
  std::string architecture;       // of the model it was made for, e.g. "llama"
  std::string base_name;          // that model's name, may be empty
  uint64_t base_fingerprint = 0;  // model::Model::fingerprint() of it; 0: unknown
  std::string prompt_template;    // name of the tokenizer::ChatFormat it was trained on; empty: none
  float alpha = 0;                // 0: entries act with scale 1, as llama.cpp has it
  std::vector<LoraEntry> entries;

  // The factor on B (A x) of an entry.
  float scale(const LoraEntry& entry) const { return alpha == 0.0F ? 1.0F : alpha / static_cast<float>(entry.rank()); }
  int64_t parameters() const;   // how many numbers the matrices of all entries hold
  bool has_magnitudes() const;  // of one entry at least
};

// The weights of a model, and what reads them.
struct BaseWeights {
  const io::ModelFile& file;
  ThreadPool& pool;
  const kernels::Kernels& kernels;
};

// Makes each entry act with a factor of its own, though files know one alpha for all: alpha is chosen so that the first
// entry's matrices stay as they are, and the matrix B of those with another factor is multiplied into a copy. `scales`
// are the wanted LoraAdapter::scale() of the entries, in their order, and finite. Throws kInvalidData where a product
// is too large.
void set_scales(LoraAdapter& adapter, std::span<const float> scales);

// The sites that `targets` names, in the model's order: a comma-separated list of "all" (all layers of blocks), "attn"
// (every name that begins with attn_), names or patterns with * and ?, of layers of every block ("attn_q,ffn_*") or,
// with a dot, of one ("blk.0.attn_q"); and of "token_embd" and "output", or "embed_tokens" and "lm_head", which nothing
// else names. `layers`: of the blocks only these, numbers from 0 and ranges ("8-15" or "0,2,8-"); empty: all. Throws
// kInvalidArgument, listing what there is, for a part that names no site and for what is no range.
std::vector<LinearSite> select_sites(std::span<const LinearSite> sites, std::string_view targets,
                                     std::string_view layers = {});

// A new adapter that changes nothing yet: A uniform in +-1/sqrt(in), which is PEFT's Kaiming initialization, or for the
// token embeddings normal, as PEFT has it too; B zero. The same numbers on every machine, but for the last bits of
// normal ones. Rank-stabilized, its alpha is that of the options times sqrt(rank), so that readers who divide by the
// rank come to the same. Names, fingerprint and template are left to the caller. Throws kInvalidArgument for options
// out of range and as select_sites() does.
LoraAdapter create_lora(std::span<const LinearSite> sites, const LoraOptions& options);

// Gives each entry the lengths of its weight's rows for magnitudes ("DoRA"): it still changes nothing. `base` must have
// the weights, in the entries' shapes. Throws kUnsupported for the token embeddings and the output.
void add_magnitudes(LoraAdapter& adapter, const BaseWeights& base);

// Writes a GGUF adapter (docs/formats/adapter.md) that llama.cpp loads as it is, atomically: on failure (kIo) the file
// at `path` is as it was. `type`: kF32 or kF16, of all matrices; magnitudes are f32. Throws kInvalidArgument for
// another type, an adapter without entries, or numbers that are not finite (in f16: too large for it); kUnsupported for
// norms, which no reader of such files applies.
void save_lora(const LoraAdapter& adapter, const std::filesystem::path& path, quant::DType type);

// Reads an adapter, told by its content: a GGUF file, a PEFT folder (peft/peft_folder.h) or the safetensors file in it,
// or a ggla file (ggla_file.h). `base` is the model it will act on, needed for a PEFT folder. Throws, with a sentence
// that names the file, what read_lora(), load_peft(), read_ggla() and ModelFile::open() throw.
LoraAdapter load_lora(const std::filesystem::path& path, const std::optional<BaseModel>& base = std::nullopt);

// A GGUF adapter; tensors of every supported type become f32. Throws kInvalidArgument for a model in place of an
// adapter, kUnsupported for another kind of adapter and for tensors that are no lora_a and lora_b of a weight,
// kInvalidData for one of lora_a and lora_b without the other, ranks that disagree and numbers that are not finite.
LoraAdapter read_lora(const io::ModelFile& file);

// What an adapter is attached to.
struct AttachmentTarget {
  std::span<const LinearSite> sites;  // as model::Model::sites()
  std::string_view architecture;
  uint64_t fingerprint = 0;              // 0: unknown
  const BaseWeights* weights = nullptr;  // needed for adapters with magnitudes: the lengths of rows are computed
};

// Adds the adapter's terms, times `scale` (finite), to `attachment`, which must have been made for as many sites. The
// terms share the adapter's tensors. `label` (the file's path) begins the messages. Throws kIncompatible, saying why
// and leaving the attachment as it was, when the architecture, a name or a shape does not fit; kUnsupported for norms,
// and for a second adapter with magnitudes; another base of the same shape is a warning.
void attach_lora(const LoraAdapter& adapter, std::string_view label, float scale, const AttachmentTarget& target,
                 Attachment& attachment, const LogSink& log);

// The prompt template of all these adapters together; those without one have no say. Empty when none has one. Throws
// kIncompatible when two differ, saying that --template chooses.
std::string shared_prompt_template(std::span<const LoraAdapter> adapters);

}  // namespace patina::adapter
