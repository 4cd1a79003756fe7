#include "io/ggml_legacy/writer.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/ggml_legacy/format.h"
#include "io/ggml_legacy/names.h"
#include "io/ggml_legacy/vocabulary.h"
#include "io/printable.h"
#include "io/tensor_layout.h"
#include "platform/atomic_file.h"

namespace patina::io {

namespace {

using ggjt::Hyperparameters;

template <typename... Args>
[[noreturn]] void unsupported(fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorKind::kUnsupported, "cannot write this model as GGJT: {}",
       fmt::format(format, std::forward<Args>(args)...));
}

// The largest number that gives this feed-forward length.
uint32_t find_multiple(uint64_t embedding, uint64_t feed_forward) {
  constexpr uint32_t kLargest = 8192;
  for (uint32_t multiple = kLargest; multiple >= 1; --multiple) {
    if (ggjt::feed_forward_length(embedding, multiple) == feed_forward) return multiple;
  }
  unsupported("its feed-forward length {} is not 8/3 of {} rounded up to a multiple", feed_forward, embedding);
}

uint32_t narrow(uint64_t value) {
  if (value > std::numeric_limits<uint32_t>::max()) unsupported("{} is too large a number", value);
  return static_cast<uint32_t>(value);
}

Hyperparameters describe(const Metadata& metadata, size_t vocab) {
  if (const std::string architecture = metadata.get_string("general.architecture", "?"); architecture != "llama") {
    unsupported("its architecture is {}, not llama", printable(architecture));
  }
  const uint64_t embedding = metadata.get_uint("llama.embedding_length");
  const uint64_t heads = metadata.get_uint("llama.attention.head_count");
  if (heads == 0 || embedding % heads != 0 || metadata.get_uint("llama.attention.head_count_kv", heads) != heads) {
    unsupported("it has grouped key-value heads");
  }
  const uint64_t head_length = embedding / heads;
  for (const char* key : {"llama.rope.dimension_count", "llama.attention.key_length", "llama.attention.value_length"}) {
    if (metadata.get_uint(key, head_length) != head_length) unsupported("{} is not {}", key, head_length);
  }
  Hyperparameters h = {};
  h.vocab = narrow(vocab);
  h.embedding = narrow(embedding);
  h.multiple = find_multiple(embedding, metadata.get_uint("llama.feed_forward_length"));
  h.heads = narrow(heads);
  h.layers = narrow(metadata.get_uint("llama.block_count"));
  h.rope_dimensions = narrow(head_length);
  h.file_type = narrow(metadata.get_uint("general.file_type", 0));
  return h;
}

// A default read back is a double; a file holds floats.
bool differs(double value, double standard) { return static_cast<float>(value) != static_cast<float>(standard); }

LegacyHints hints_for(const Metadata& metadata) {
  LegacyHints hints;
  const double eps = metadata.get_float("llama.attention.layer_norm_rms_epsilon");
  if (differs(eps, ggjt::kDefaultRmsNormEps)) hints.rms_norm_eps = eps;
  const double base = metadata.get_float("llama.rope.freq_base", ggjt::kDefaultRopeFreqBase);
  if (differs(base, ggjt::kDefaultRopeFreqBase)) hints.rope_freq_base = base;
  const uint64_t context = metadata.get_uint("llama.context_length", ggjt::kDefaultContextLength);
  if (context != ggjt::kDefaultContextLength) hints.context_length = context;
  return hints;
}

struct NamedTensor {
  std::string name;
  const TensorInfo* tensor;
};

std::vector<NamedTensor> legacy_tensors(const ModelFile& model) {
  std::vector<NamedTensor> tensors;
  for (const TensorInfo& tensor : model.tensors()) {
    const auto name = ggjt::from_gguf_name(tensor.name);
    if (!name.has_value()) unsupported("it has no place for the tensor {}", printable(tensor.name));
    if (static_cast<uint32_t>(tensor.type) > ggjt::kLastType || tensor.shape.size() > ggjt::kMaxDimensions) {
      unsupported("tensor {} is of type {} with {} dimensions", printable(tensor.name), quant::name(tensor.type),
                  tensor.shape.size());
    }
    tensors.push_back({*name, &tensor});
  }
  const TensorInfo* embedding = model.find("token_embd.weight");
  if (embedding != nullptr && model.find("output.weight") == nullptr) {
    tensors.push_back({"output.weight", embedding});
  }
  return tensors;
}

class GgjtWriter {
 public:
  explicit GgjtWriter(const std::filesystem::path& path) : file_(path) {}

  void write_header(const Hyperparameters& h, const std::vector<ggjt::RawToken>& tokens) {
    for (const uint32_t value : {ggjt::kMagic, ggjt::kVersion, h.vocab, h.embedding, h.multiple, h.heads, h.layers,
                                 h.rope_dimensions, h.file_type}) {
      write_value(value);
    }
    for (const ggjt::RawToken& token : tokens) {
      write_value(narrow(token.text.size()));
      file_.write(token.text);
      write_value(token.score);
    }
  }

  void write_tensor(const NamedTensor& named) {
    const TensorInfo& tensor = *named.tensor;
    write_value(narrow(tensor.shape.size()));
    write_value(narrow(named.name.size()));
    write_value(static_cast<uint32_t>(tensor.type));
    for (const int64_t dimension : tensor.shape) write_value(narrow(static_cast<uint64_t>(dimension)));
    file_.write(named.name);
    const std::vector<std::byte> zeros(align_up(file_.size(), ggjt::kAlignment) - file_.size());
    file_.write(zeros);
    file_.write(tensor.data);
  }

  void commit() { file_.commit(); }

 private:
  template <typename T>
  void write_value(T value) {
    file_.write(std::as_bytes(std::span(&value, 1)));
  }

  platform::AtomicFile file_;
};

}  // namespace

LegacyHints write_ggjt(const std::filesystem::path& path, const ModelFile& model) {
  const std::vector<ggjt::RawToken> tokens = ggjt::legacy_vocabulary(model.metadata());
  const Hyperparameters h = describe(model.metadata(), tokens.size());
  const std::vector<NamedTensor> tensors = legacy_tensors(model);
  GgjtWriter writer(path);
  writer.write_header(h, tokens);
  for (const NamedTensor& tensor : tensors) writer.write_tensor(tensor);
  writer.commit();
  return hints_for(model.metadata());
}

}  // namespace patina::io
