#include <cmath>

#include "model/architecture.h"
#include "ops/rows.h"

// Gemma 3 (Gemma Team, 2025): norms before and after each half of a block, and five layers with a sliding window and
// their own rotation for each layer that sees everything.
namespace patina::model {

namespace {

using ops::Context;
using ops::Tensor;

constexpr int64_t kLayersPerGlobal = 6;
constexpr size_t kGlobalRope = 0;
constexpr size_t kLocalRope = 1;

Tensor block(Context& context, const Pass& pass, const ArchitectureInfo& architecture, int64_t layer, const Tensor& x) {
  const LayerWeights& w = pass.weights.layers[static_cast<size_t>(layer)];
  Tensor h = self_attention(context, pass, architecture, layer, norm(context, pass, x, w.attention_norm));
  h = ops::add(context, x, norm(context, pass, h, w.post_attention_norm));
  h = wanted_rows(context, pass, layer, h);
  const Tensor f =
      feed_forward(context, pass, layer, norm(context, pass, h, w.feed_forward_norm), ops::Activation::kGelu);
  return ops::add(context, h, norm(context, pass, f, w.post_feed_forward_norm));
}

float embedding_scale(const Hyperparameters& hyper) { return std::sqrt(static_cast<float>(hyper.hidden_size)); }

// The 27B model, known by its depth, scales by the width of the hidden state over its heads.
float attention_scale(const Hyperparameters& hyper) {
  constexpr int64_t kLayersOf27B = 62;
  if (hyper.layers != kLayersOf27B) return inverse_root_of_head_dim(hyper);
  return 1.0F / std::sqrt(static_cast<float>(hyper.hidden_size) / static_cast<float>(hyper.heads));
}

std::vector<RopeKind> rope_kinds(const Hyperparameters& hyper, const io::Metadata& metadata) {
  const double local_base = metadata.get_float("gemma3.rope.freq_base_swa", 10000.0);
  return {{hyper.rope_base, hyper.rope_scale, true}, {static_cast<float>(local_base), 1.0F, false}};
}

LayerKind layer_kind(const Hyperparameters& hyper, int64_t layer) {
  const bool global = layer % kLayersPerGlobal == kLayersPerGlobal - 1;
  if (global || hyper.sliding_window == 0) return {.window = 0, .rope = global ? kGlobalRope : kLocalRope};
  return {.window = hyper.sliding_window, .rope = kLocalRope};
}

}  // namespace

const ArchitectureInfo kGemma3 = {
    .name = "gemma3",
    .rope_layout = kernels::RopeLayout::kNeox,
    .has_qk_norm = true,
    .has_post_norms = true,
    .embedding_scale = embedding_scale,
    .attention_scale = attention_scale,
    .rope_kinds = rope_kinds,
    .layer_kind = layer_kind,
    .block = block,
};

}  // namespace patina::model
