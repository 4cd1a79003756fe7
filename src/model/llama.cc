#include "model/architecture.h"

namespace patina::model {

// Llama 2 and 3, Mistral, TinyLlama, SmolLM2: neighbouring elements rotate together (Touvron et al., 2023).
const ArchitectureInfo kLlama = pre_norm_architecture("llama", kernels::RopeLayout::kNorm, false);

}  // namespace patina::model
