#include "model/weights.h"

#include <string>

#include "base/error.h"
#include "model/architecture.h"
#include "platform/memory.h"
#include "quant/dequantize.h"

namespace patina::model {

namespace {

class Loader {
 public:
  Loader(const io::ModelFile& file, const Hyperparameters& hyper, const ArchitectureInfo& architecture)
      : file_(file), hyper_(hyper), architecture_(architecture) {}

  Weights read() {
    file_.expect(platform::AccessHint::kRandom);  // small vectors between the large matrices
    weights_.embedding = &shaped("token_embd.weight", hyper_.hidden_size, hyper_.vocab_size);
    weights_.layers.resize(static_cast<size_t>(hyper_.layers));
    for (int64_t i = 0; i < hyper_.layers; ++i) read_layer(fmt::format("blk.{}.", i), weights_.layers[i]);
    weights_.output_norm = vector("output_norm.weight", hyper_.hidden_size);
    weights_.tied = file_.find("output.weight") == nullptr;
    matrix(weights_.tied ? "token_embd.weight" : "output.weight", hyper_.hidden_size, hyper_.vocab_size,
           weights_.output);
    if (file_.find("rope_freqs.weight") != nullptr) {
      weights_.rope_factors = vector("rope_freqs.weight", hyper_.rope_dim / 2);
    }
    file_.expect(platform::AccessHint::kNormal);
    check_memory();
    return std::move(weights_);
  }

 private:
  const io::TensorInfo& shaped(const std::string& name, int64_t cols, int64_t rows) const {
    const io::TensorInfo& tensor = file_.require(name);
    if (tensor.row_length() != cols || tensor.rows() != rows) {
      fail(ErrorKind::kInvalidData, "{}: the tensor {} is {} x {}; the model's numbers ask for {} x {}",
           file_.path().string(), name, tensor.rows(), tensor.row_length(), rows, cols);
    }
    return tensor;
  }

  std::vector<float> vector(const std::string& name, int64_t length) const {
    const io::TensorInfo& tensor = shaped(name, length, 1);
    std::vector<float> values(static_cast<size_t>(length));
    quant::dequantize(tensor.type, tensor.data, values);
    return values;
  }

  std::vector<float> optional_vector(const std::string& name, int64_t length) const {
    return file_.find(name) == nullptr ? std::vector<float>() : vector(name, length);
  }

  void matrix(const std::string& name, int64_t cols, int64_t rows, ops::PackedMatrix& target) {
    const io::TensorInfo& tensor = shaped(name, cols, rows);
    target = ops::PackedMatrix(tensor.type, tensor.data, rows, cols);
  }

  void read_layer(const std::string& prefix, LayerWeights& layer) {
    const int64_t hidden = hyper_.hidden_size;
    const int64_t q_size = hyper_.heads * hyper_.head_dim;
    const int64_t kv_size = hyper_.kv_heads * hyper_.head_dim;
    matrix(prefix + "attn_q.weight", hidden, q_size, layer.q);
    matrix(prefix + "attn_k.weight", hidden, kv_size, layer.k);
    matrix(prefix + "attn_v.weight", hidden, kv_size, layer.v);
    matrix(prefix + "attn_output.weight", q_size, hidden, layer.o);
    matrix(prefix + "ffn_gate.weight", hidden, hyper_.feed_forward_size, layer.gate);
    matrix(prefix + "ffn_up.weight", hidden, hyper_.feed_forward_size, layer.up);
    matrix(prefix + "ffn_down.weight", hyper_.feed_forward_size, hidden, layer.down);
    layer.q_bias = optional_vector(prefix + "attn_q.bias", q_size);
    layer.k_bias = optional_vector(prefix + "attn_k.bias", kv_size);
    layer.v_bias = optional_vector(prefix + "attn_v.bias", kv_size);
    layer.o_bias = optional_vector(prefix + "attn_output.bias", hidden);
    layer.attention_norm = vector(prefix + "attn_norm.weight", hidden);
    layer.feed_forward_norm = vector(prefix + "ffn_norm.weight", hidden);
    if (architecture_.has_qk_norm) {
      layer.q_norm = vector(prefix + "attn_q_norm.weight", hyper_.head_dim);
      layer.k_norm = vector(prefix + "attn_k_norm.weight", hyper_.head_dim);
    }
    if (architecture_.has_post_norms) {
      layer.post_attention_norm = vector(prefix + "post_attention_norm.weight", hidden);
      layer.post_feed_forward_norm = vector(prefix + "post_ffw_norm.weight", hidden);
    }
  }

  void check_memory() {
    int64_t needed = 0;
    for (const ops::PackedMatrix* matrix : weights_.matrices()) needed += matrix->bytes();
    const uint64_t available = platform::available_memory();
    if (available != 0 && static_cast<uint64_t>(needed) > available) {
      fail(ErrorKind::kOutOfMemory,
           "{} needs {} MiB of memory for its weights, and {} MiB are free; close other programs or take a smaller "
           "quantization",
           file_.path().string(), needed >> 20, available >> 20);
    }
  }

  const io::ModelFile& file_;
  const Hyperparameters& hyper_;
  const ArchitectureInfo& architecture_;
  Weights weights_;
};

}  // namespace

std::vector<ops::PackedMatrix*> Weights::matrices() {
  std::vector<ops::PackedMatrix*> all;
  for (const auto& product : products()) all.insert(all.end(), product.begin(), product.end());
  return all;
}

std::vector<std::vector<ops::PackedMatrix*>> Weights::products() {
  std::vector<std::vector<ops::PackedMatrix*>> all;
  for (LayerWeights& w : layers) {
    all.insert(all.end(), {{&w.q, &w.k, &w.v}, {&w.o}, {&w.gate, &w.up}, {&w.down}});
  }
  all.push_back({&output});
  return all;
}

Weights load_weights(const io::ModelFile& file, const Hyperparameters& hyper, const ArchitectureInfo& architecture) {
  return Loader(file, hyper, architecture).read();
}

}  // namespace patina::model
