#pragma once

#include <cstdint>

#include "adapter/lora_adapter.h"
#include "io/model_file.h"
#include "ops/context.h"

namespace patina::adapter {

// Adapters that begin with a part of the base's own matrices. What is trained is then that part, and the base would
// have to lose it; since a model's file stays as it is, the part is taken away by a second, frozen term of opposite
// sign, and what is saved is the difference of the two.
enum class PrincipalInit {
  kPissa,  // the largest singular values with their vectors (Meng et al., 2024, "PiSSA"), by a randomized decomposition
           // (Halko, Martinsson and Tropp, 2011) with four power iterations
  kOlora,  // Q of the first columns' QR decomposition, and Q transposed times the matrix (Büyükakyüz, 2024, "OLoRA")
};

// Sets A and B of every entry from the base's matrix of that layer, which is dequantized tile by tile. For PiSSA the
// product times the adapter's scale is the best approximation of the matrix by that rank. The same numbers for the same
// seed on one machine, whatever the number of threads. Throws kInvalidArgument for a rank that is larger than a matrix,
// kInvalidData for a base that lacks an entry's matrix.
void init_from_base(const LoraAdapter& adapter, const io::ModelFile& base, PrincipalInit init, uint64_t seed,
                    const ops::Context& context);

// A copy with memory of its own.
LoraAdapter clone(const LoraAdapter& adapter);

// What `trained` does beyond `initial`, of which it is a changed clone(): an adapter of twice the rank and alpha, made
// of (B - B0) A + B0 (A - A0), whose numbers are as small as the difference, so that rounding them to f16 loses little.
LoraAdapter difference(const LoraAdapter& trained, const LoraAdapter& initial);

}  // namespace patina::adapter
