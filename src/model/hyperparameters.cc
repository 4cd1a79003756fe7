#include "model/hyperparameters.h"

#include <cmath>

#include "base/error.h"

namespace patina::model {

namespace {

constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxWidth = int64_t{1} << 20;

// The keys of one file, which begin with its architecture's name.
class Keys {
 public:
  Keys(const io::ModelFile& file, std::string architecture) : file_(file), architecture_(std::move(architecture)) {}

  std::string full(std::string_view key) const { return fmt::format("{}.{}", architecture_, key); }
  int64_t size(std::string_view key, int64_t most) const {
    return checked(key, file_.metadata().get_uint(full(key)), most);
  }
  int64_t size(std::string_view key, int64_t most, int64_t fallback) const {
    return checked(key, file_.metadata().get_uint(full(key), static_cast<uint64_t>(fallback)), most);
  }
  float number(std::string_view key, double fallback) const {
    const double value = file_.metadata().get_float(full(key), fallback);
    if (!std::isfinite(value) || value <= 0) {
      fail(ErrorKind::kInvalidData, "{}: {} is {}; it must be a positive number", file_.path().string(), full(key),
           value);
    }
    return static_cast<float>(value);
  }
  std::string text(std::string_view key) const { return file_.metadata().get_string(full(key), ""); }

 private:
  int64_t checked(std::string_view key, uint64_t value, int64_t most) const {
    if (value < 1 || value > static_cast<uint64_t>(most)) {
      fail(ErrorKind::kInvalidData, "{}: {} is {}; it must lie between 1 and {}", file_.path().string(), full(key),
           value, most);
    }
    return static_cast<int64_t>(value);
  }

  const io::ModelFile& file_;
  std::string architecture_;
};

float read_rope_scale(const io::ModelFile& file, const Keys& keys) {
  const std::string scaling = keys.text("rope.scaling.type");
  if (scaling.empty() && file.metadata().has(keys.full("rope.scale_linear"))) {
    return 1.0F / keys.number("rope.scale_linear", 1.0);
  }
  if (scaling.empty() || scaling == "none") return 1.0F;
  if (scaling != "linear") {
    fail(ErrorKind::kUnsupported, "{}: its way of scaling positions, \"{}\", is not supported; only linear is",
         file.path().string(), scaling);
  }
  return 1.0F / keys.number("rope.scaling.factor", 1.0);
}

void check_heads(const io::ModelFile& file, const Hyperparameters& hyper) {
  if (hyper.heads % hyper.kv_heads != 0) {
    fail(ErrorKind::kInvalidData, "{}: {} heads cannot share {} key-value heads", file.path().string(), hyper.heads,
         hyper.kv_heads);
  }
  if (hyper.rope_dim > hyper.head_dim || hyper.rope_dim % 2 != 0) {
    fail(ErrorKind::kInvalidData, "{}: {} rotated elements do not fit heads of {}", file.path().string(),
         hyper.rope_dim, hyper.head_dim);
  }
}

}  // namespace

Hyperparameters read_hyperparameters(const io::ModelFile& file) {
  Hyperparameters hyper;
  hyper.architecture = file.metadata().get_string("general.architecture");
  const Keys keys(file, hyper.architecture);
  if (file.metadata().get_uint(keys.full("expert_count"), 0) > 0) {
    fail(ErrorKind::kUnsupported, "{}: models with experts are not supported", file.path().string());
  }
  hyper.hidden_size = keys.size("embedding_length", kMaxWidth);
  hyper.layers = keys.size("block_count", kMaxLayers);
  hyper.feed_forward_size = keys.size("feed_forward_length", kMaxWidth);
  hyper.heads = keys.size("attention.head_count", kMaxWidth);
  hyper.kv_heads = keys.size("attention.head_count_kv", kMaxWidth, hyper.heads);
  hyper.head_dim = keys.size("attention.key_length", kMaxWidth, std::max<int64_t>(1, hyper.hidden_size / hyper.heads));
  if (keys.size("attention.value_length", kMaxWidth, hyper.head_dim) != hyper.head_dim) {
    fail(ErrorKind::kUnsupported, "{}: keys and values of different lengths are not supported", file.path().string());
  }
  hyper.rope_dim = keys.size("rope.dimension_count", kMaxWidth, hyper.head_dim);
  hyper.context_length = keys.size("context_length", int64_t{1} << 31);
  hyper.rms_norm_eps = keys.number("attention.layer_norm_rms_epsilon", 1e-5);
  hyper.rope_base = keys.number("rope.freq_base", 10000.0);
  hyper.rope_scale = read_rope_scale(file, keys);
  hyper.sliding_window = static_cast<int64_t>(file.metadata().get_uint(keys.full("attention.sliding_window"), 0));
  hyper.vocab_size = file.require("token_embd.weight").rows();
  check_heads(file, hyper);
  return hyper;
}

}  // namespace patina::model
