#include <array>
#include <cmath>

#include "model/architecture.h"
#include "ops/rms_norm.h"
#include "ops/rows.h"

namespace patina::model {

using ops::Context;
using ops::Tensor;

std::string_view site_name(Site site) {
  constexpr std::array<std::string_view, kSitesPerLayer> kNames = {"attn_q",   "attn_k", "attn_v",  "attn_output",
                                                                   "ffn_gate", "ffn_up", "ffn_down"};
  return kNames[static_cast<size_t>(site)];
}

ops::Linear Pass::linear(int64_t layer, Site site, const ops::PackedMatrix& weight,
                         const std::vector<float>& bias) const {
  const size_t index = kFirstLayerSite + static_cast<size_t>(layer) * kSitesPerLayer + static_cast<size_t>(site);
  return {&weight, bias.empty() ? nullptr : bias.data(), adapters.at(index)};
}

std::vector<ops::Segment> Pass::segments_at(int64_t layer) const {
  std::vector<ops::Segment> result = segments;
  for (size_t i = 0; i < result.size(); ++i) {
    if (caches[i] != nullptr) result[i].cache = caches[i]->layer(layer);
  }
  return result;
}

Tensor norm(Context& context, const Pass& pass, const Tensor& x, const std::vector<float>& weight) {
  return ops::rms_norm(context, x, weight.data(), pass.hyper.rms_norm_eps, x.cols());
}

Tensor self_attention(Context& context, const Pass& pass, const ArchitectureInfo& architecture, int64_t layer,
                      const Tensor& x) {
  const Hyperparameters& hyper = pass.hyper;
  const LayerWeights& w = pass.weights.layers[static_cast<size_t>(layer)];
  const std::array layers = {pass.linear(layer, Site::kQ, w.q, w.q_bias), pass.linear(layer, Site::kK, w.k, w.k_bias),
                             pass.linear(layer, Site::kV, w.v, w.v_bias)};
  std::vector<Tensor> projected = ops::linear(context, x, layers);
  if (architecture.has_qk_norm) {
    projected[0] = ops::rms_norm(context, projected[0], w.q_norm.data(), hyper.rms_norm_eps, hyper.head_dim);
    projected[1] = ops::rms_norm(context, projected[1], w.k_norm.data(), hyper.rms_norm_eps, hyper.head_dim);
  }
  const LayerKind kind = architecture.layer_kind(hyper, layer);
  ops::rope(context, projected[0], hyper.head_dim, pass.angles[kind.rope]);
  ops::rope(context, projected[1], hyper.head_dim, pass.angles[kind.rope]);
  const ops::AttentionShape shape{.heads = hyper.heads,
                                  .kv_heads = hyper.kv_heads,
                                  .head_dim = hyper.head_dim,
                                  .scale = architecture.attention_scale(hyper),
                                  .window = kind.window};
  const Tensor attended =
      ops::attention(context, projected[0], projected[1], projected[2], shape, pass.segments_at(layer));
  return ops::linear(context, attended, pass.linear(layer, Site::kO, w.o, w.o_bias));
}

Tensor feed_forward(Context& context, const Pass& pass, int64_t layer, const Tensor& x, ops::Activation activation) {
  const LayerWeights& w = pass.weights.layers[static_cast<size_t>(layer)];
  const std::array layers = {pass.linear(layer, Site::kGate, w.gate, {}), pass.linear(layer, Site::kUp, w.up, {})};
  const std::vector<Tensor> gate_up = ops::linear(context, x, layers);
  const Tensor hidden = ops::gated_activation(context, gate_up[0], gate_up[1], activation);
  return ops::linear(context, hidden, pass.linear(layer, Site::kDown, w.down, {}));
}

Tensor wanted_rows(Context& context, const Pass& pass, int64_t layer, const Tensor& x) {
  if (pass.all_rows || layer + 1 < pass.hyper.layers) return x;
  return ops::gather_rows(context, x, pass.rows);
}

Tensor pre_norm_block(Context& context, const Pass& pass, const ArchitectureInfo& architecture, int64_t layer,
                      const Tensor& x) {
  const LayerWeights& w = pass.weights.layers[static_cast<size_t>(layer)];
  Tensor h = self_attention(context, pass, architecture, layer, norm(context, pass, x, w.attention_norm));
  h = wanted_rows(context, pass, layer, ops::add(context, x, h));
  const Tensor f =
      feed_forward(context, pass, layer, norm(context, pass, h, w.feed_forward_norm), ops::Activation::kSilu);
  return ops::add(context, h, f);
}

float unit_embedding_scale(const Hyperparameters& /*hyper*/) { return 1.0F; }

float inverse_root_of_head_dim(const Hyperparameters& hyper) {
  return 1.0F / std::sqrt(static_cast<float>(hyper.head_dim));
}

std::vector<RopeKind> one_rope_kind(const Hyperparameters& hyper, const io::Metadata& /*metadata*/) {
  return {{hyper.rope_base, hyper.rope_scale, true}};
}

LayerKind full_attention(const Hyperparameters& /*hyper*/, int64_t /*layer*/) { return {}; }

}  // namespace patina::model
