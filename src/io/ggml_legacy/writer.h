#pragma once

#include <filesystem>

#include "io/model_file.h"

namespace patina::io {

// Writes the model as a GGJT file of version 3, atomically. Where the model uses its token embedding as its output
// matrix too, the matrix is written twice, as GGJT has no such sharing. Returns the hints that the file needs in order
// to read back as the same model, each only where it differs from the default.
//
// Throws kUnsupported, saying why, for what GGJT cannot express: another architecture than `llama`, grouped key-value
// heads, a feed-forward length that is not 8/3 of the embedding rounded up, other tensors or tensor types, another
// vocabulary than SentencePiece's. Throws kIo as AtomicFile does.
LegacyHints write_ggjt(const std::filesystem::path& path, const ModelFile& model);

}  // namespace patina::io
