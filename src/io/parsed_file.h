#pragma once

#include <vector>

#include "io/model_file.h"

namespace patina::io {

// What one file (or one part of a split one) holds. The tensors' views point into the bytes that were parsed.
struct ParsedFile {
  Metadata metadata;
  std::vector<TensorInfo> tensors;
};

}  // namespace patina::io
