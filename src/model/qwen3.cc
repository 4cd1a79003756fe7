#include "model/architecture.h"

namespace patina::model {

// Qwen3: Llama's block with a norm on each head of queries and keys; halves rotate together (Yang et al., 2025).
const ArchitectureInfo kQwen3 = {
    .name = "qwen3",
    .rope_layout = kernels::RopeLayout::kNeox,
    .has_qk_norm = true,
    .has_post_norms = false,
    .embedding_scale = unit_embedding_scale,
    .attention_scale = inverse_root_of_head_dim,
    .rope_kinds = one_rope_kind,
    .layer_kind = full_attention,
    .block = pre_norm_block,
};

}  // namespace patina::model
