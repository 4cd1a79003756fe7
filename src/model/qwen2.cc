#include "model/architecture.h"

namespace patina::model {

// Qwen2 and 2.5: Llama's block with biases on queries, keys and values; halves rotate together (Yang et al., 2024).
const ArchitectureInfo kQwen2 = {
    .name = "qwen2",
    .rope_layout = kernels::RopeLayout::kNeox,
    .has_qk_norm = false,
    .has_post_norms = false,
    .embedding_scale = unit_embedding_scale,
    .attention_scale = inverse_root_of_head_dim,
    .rope_kinds = one_rope_kind,
    .layer_kind = full_attention,
    .block = pre_norm_block,
};

}  // namespace patina::model
