#include "model/architecture.h"

namespace patina::model {

// Qwen3: Llama's block with a norm on each head of queries and keys; halves rotate together (Yang et al., 2025).
const ArchitectureInfo kQwen3 = pre_norm_architecture("qwen3", kernels::RopeLayout::kNeox, true);

}  // namespace patina::model
