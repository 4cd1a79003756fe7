#pragma once

#include <vector>

#include "io/model_file.h"
#include "model/hyperparameters.h"
#include "ops/packed_matrix.h"

namespace patina::model {

struct ArchitectureInfo;

// Vectors that a file lacks are empty.
struct LayerWeights {
  ops::PackedMatrix q, k, v, o;
  ops::PackedMatrix gate, up, down;
  std::vector<float> q_bias, k_bias, v_bias, o_bias;
  std::vector<float> attention_norm, feed_forward_norm;
  std::vector<float> q_norm, k_norm;  // [head_dim]
  std::vector<float> post_attention_norm, post_feed_forward_norm;
};

struct Weights {
  const io::TensorInfo* embedding = nullptr;  // stays in the file
  std::vector<LayerWeights> layers;
  std::vector<float> output_norm;
  ops::PackedMatrix output;  // the embedding again where the file ties them
  bool tied = false;
  std::vector<float> rope_factors;  // [rope_dim / 2] divisors of the frequencies

  // All of them, in the order in which a pass multiplies with them.
  std::vector<ops::PackedMatrix*> matrices();
  // The same, those together that read the same input.
  std::vector<std::vector<ops::PackedMatrix*>> products();
};

// Checks every tensor's presence and shape, and that there is memory for all matrices in packed form; none is packed.
// See Model::load.
Weights load_weights(const io::ModelFile& file, const Hyperparameters& hyper, const ArchitectureInfo& architecture);

}  // namespace patina::model
