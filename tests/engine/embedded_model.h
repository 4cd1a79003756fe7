#pragma once

#include "engine/runtime.h"

namespace patina::engine {

// The embedded model, whose answers repeat themselves before long.
inline RuntimeOptions embedded_model() {
  RuntimeOptions options;
  options.model = PATINA_SOURCE_DIR "/models/patina-tiny-q8_0.gguf";
  options.threads = 2;
  return options;
}

}  // namespace patina::engine
