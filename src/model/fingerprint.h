#pragma once

#include <cstdint>

#include "io/model_file.h"

namespace patina::model {

// FNV-1a (Fowler, Noll, Vo), 64 bits, over the tensors' names, types and shapes, in order of name, and 16 samples of 8
// bytes of each tensor's data. The same weights in another form of file give the same number.
uint64_t fingerprint(const io::ModelFile& file);

}  // namespace patina::model
