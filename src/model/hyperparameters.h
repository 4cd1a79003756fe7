#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapter/base_model.h"
#include "io/model_file.h"

namespace patina::model {

// The numbers of a model, named as the field names them in prose; the GGUF keys are in hyperparameters.cc.
struct Hyperparameters {
  std::string architecture;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;
  int64_t feed_forward_size = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t rope_dim = 0;  // how many elements of a head are rotated
  int64_t context_length = 0;
  float rms_norm_eps = 0;
  float rope_base = 10000.0F;
  float rope_scale = 1.0F;     // factor on positions (1 / linear scaling factor)
  int64_t sliding_window = 0;  // 0: none
};

// What forms of adapters need to know of such a model.
inline adapter::BaseModel base_model(const Hyperparameters& hyper) {
  return {hyper.architecture, hyper.heads, hyper.kv_heads};
}

// Reads and checks the numbers of every architecture alike. Throws kInvalidData naming the key for a number that is
// missing or makes no sense, kUnsupported for ways of scaling positions that patina does not know.
Hyperparameters read_hyperparameters(const io::ModelFile& file);

}  // namespace patina::model
