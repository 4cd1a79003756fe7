#include "model/architecture.h"

namespace patina::model {

// Qwen2 and 2.5: Llama's block with biases on queries, keys and values; halves rotate together (Yang et al., 2024).
const ArchitectureInfo kQwen2 = pre_norm_architecture("qwen2", kernels::RopeLayout::kNeox, false);

}  // namespace patina::model
