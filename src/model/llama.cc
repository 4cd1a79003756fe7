#include "model/architecture.h"

namespace patina::model {

// Llama 2 and 3, Mistral, TinyLlama, SmolLM2: neighbouring elements rotate together (Touvron et al., 2023).
const ArchitectureInfo kLlama = {
    .name = "llama",
    .rope_layout = kernels::RopeLayout::kNorm,
    .has_qk_norm = false,
    .has_post_norms = false,
    .embedding_scale = unit_embedding_scale,
    .attention_scale = inverse_root_of_head_dim,
    .rope_kinds = one_rope_kind,
    .layer_kind = full_attention,
    .block = pre_norm_block,
};

}  // namespace patina::model
