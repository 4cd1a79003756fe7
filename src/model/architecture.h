#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "adapter/attachment.h"
#include "model/hyperparameters.h"
#include "model/model.h"
#include "model/weights.h"
#include "ops/attention.h"
#include "ops/context.h"
#include "ops/gated_activation.h"
#include "ops/linear.h"
#include "ops/rope.h"

// What an architecture's file is written with. Internal to this folder; docs/adding-a-model.md shows how.
namespace patina::model {

// The linear layers of a transformer block, in the order of Model::sites(), where the token embeddings come before all
// blocks and the output after them.
enum class Site { kQ, kK, kV, kO, kGate, kUp, kDown };
constexpr size_t kSitesPerLayer = 7;
constexpr size_t kEmbeddingSite = 0;
constexpr size_t kFirstLayerSite = 1;
// What the site's tensor is called in a file, after "blk.N." and before ".weight".
std::string_view site_name(Site site);

// How positions enter a layer.
struct LayerKind {
  int64_t window = 0;  // of attention; 0: all earlier positions
  size_t rope = 0;     // which of the architecture's sets of angles
};

// How the frequencies of one set of angles are made.
struct RopeKind {
  float base;
  float scale;       // factor on positions
  bool use_factors;  // divide by rope_freqs.weight, if the file has it
};

// One run of a model over one batch. Kept alive by the recorded steps of its blocks.
struct Pass {
  const Hyperparameters& hyper;
  const Weights& weights;
  const adapter::Attachment& adapters;
  std::vector<ops::Segment> segments;   // without their caches
  std::vector<KvSequence*> caches;      // one a segment, or null
  std::vector<ops::RopeAngles> angles;  // one for each RopeKind
  std::vector<int32_t> rows;            // those wanted of the last layer
  bool all_rows;

  ops::Linear linear(int64_t layer, Site site, const ops::PackedMatrix& weight, const std::vector<float>& bias) const;
  std::vector<ops::Segment> segments_at(int64_t layer) const;
};

struct ArchitectureInfo {
  std::string_view name;
  kernels::RopeLayout rope_layout;
  bool has_qk_norm;
  bool has_post_norms;
  float (*embedding_scale)(const Hyperparameters&);
  float (*attention_scale)(const Hyperparameters&);
  std::vector<RopeKind> (*rope_kinds)(const Hyperparameters&, const io::Metadata&);
  LayerKind (*layer_kind)(const Hyperparameters&, int64_t layer);
  // The forward pass of one block: x [tokens x hidden_size] to the same, or to the wanted rows in the last one.
  ops::Tensor (*block)(ops::Context&, const Pass&, const ArchitectureInfo&, int64_t layer, const ops::Tensor& x);
};

// The parts of blocks that architectures share.

// Attention over x, normalized already: projections, QK-norm where the layer has it, rotation, attention, output.
ops::Tensor self_attention(ops::Context& context, const Pass& pass, const ArchitectureInfo& architecture, int64_t layer,
                           const ops::Tensor& x);
// down(activation(gate x) * up x)
ops::Tensor feed_forward(ops::Context& context, const Pass& pass, int64_t layer, const ops::Tensor& x,
                         ops::Activation activation);
ops::Tensor norm(ops::Context& context, const Pass& pass, const ops::Tensor& x, const std::vector<float>& weight);
// The wanted rows of x in the last layer; x elsewhere.
ops::Tensor wanted_rows(ops::Context& context, const Pass& pass, int64_t layer, const ops::Tensor& x);
// x + attention(norm x), then + feed_forward(norm): the block of Llama and its relatives (Touvron et al., 2023).
ops::Tensor pre_norm_block(ops::Context& context, const Pass& pass, const ArchitectureInfo& architecture, int64_t layer,
                           const ops::Tensor& x);

// The usual answers to an architecture's questions.
float unit_embedding_scale(const Hyperparameters& hyper);
float inverse_root_of_head_dim(const Hyperparameters& hyper);
std::vector<RopeKind> one_rope_kind(const Hyperparameters& hyper, const io::Metadata& metadata);
LayerKind full_attention(const Hyperparameters& hyper, int64_t layer);

// An architecture of pre_norm_block() that gives the usual answers.
constexpr ArchitectureInfo pre_norm_architecture(std::string_view name, kernels::RopeLayout rope_layout,
                                                 bool has_qk_norm) {
  return {.name = name,
          .rope_layout = rope_layout,
          .has_qk_norm = has_qk_norm,
          .has_post_norms = false,
          .embedding_scale = unit_embedding_scale,
          .attention_scale = inverse_root_of_head_dim,
          .rope_kinds = one_rope_kind,
          .layer_kind = full_attention,
          .block = pre_norm_block};
}

extern const ArchitectureInfo kLlama;
extern const ArchitectureInfo kQwen2;
extern const ArchitectureInfo kQwen3;
extern const ArchitectureInfo kGemma3;

// Throws kUnsupported, listing the supported ones.
const ArchitectureInfo& find_architecture(std::string_view name);

}  // namespace patina::model
