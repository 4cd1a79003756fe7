#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "adapter/lora_adapter.h"
#include "base/error.h"
#include "base/half.h"
#include "io/printable.h"
#include "quant/dequantize.h"

// The file form of adapters, drawn in docs/formats/adapter.md. Names and meanings are those that llama.cpp's
// llama-adapter.cpp reads.
namespace patina::adapter {

namespace {

constexpr std::string_view kType = "general.type";
constexpr std::string_view kArchitecture = "general.architecture";
constexpr std::string_view kName = "general.name";
constexpr std::string_view kBaseCount = "general.base_model.count";
constexpr std::string_view kBaseName = "general.base_model.0.name";
constexpr std::string_view kAdapterType = "adapter.type";
constexpr std::string_view kAlpha = "adapter.lora.alpha";
constexpr std::string_view kInvocation = "adapter.alora.invocation_tokens";
constexpr std::string_view kFingerprint = "patina.base_fingerprint";
constexpr std::string_view kTemplate = "patina.prompt_template";

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";
constexpr std::string_view kWeight = ".weight";

io::Metadata metadata_of(const LoraAdapter& adapter) {
  io::Metadata metadata;
  metadata.set(std::string(kArchitecture), adapter.architecture);
  metadata.set(std::string(kType), std::string("adapter"));
  if (!adapter.name.empty()) metadata.set(std::string(kName), adapter.name);
  if (!adapter.base_name.empty()) {
    metadata.set(std::string(kBaseCount), uint64_t{1});
    metadata.set(std::string(kBaseName), adapter.base_name);
  }
  metadata.set(std::string(kAdapterType), std::string("lora"));
  metadata.set(std::string(kAlpha), static_cast<double>(adapter.alpha), io::MetaType::kF32);
  if (adapter.base_fingerprint != 0) {
    metadata.set(std::string(kFingerprint), adapter.base_fingerprint, io::MetaType::kU64);
  }
  if (!adapter.prompt_template.empty()) metadata.set(std::string(kTemplate), adapter.prompt_template);
  return metadata;
}

// The bytes of a tensor as they go to the file.
std::vector<std::byte> encode(const tensor::Tensor& tensor, const std::string& name, quant::DType type) {
  std::vector<std::byte> bytes(static_cast<size_t>(quant::row_bytes(type, tensor.size())));
  std::byte* out = bytes.data();
  for (const float value : tensor.values()) {
    bool finite = std::isfinite(value);
    if (type == quant::DType::kF16) {
      const f16 half = to_f16(value);
      finite = std::isfinite(to_f32(half));
      std::memcpy(out, &half, sizeof(half));
      out += sizeof(half);
    } else {
      std::memcpy(out, &value, sizeof(value));
      out += sizeof(value);
    }
    if (!finite) {
      fail(ErrorKind::kInvalidArgument, "the adapter is not saved: {} holds {}, which {} cannot express", name, value,
           quant::name(type));
    }
  }
  return bytes;
}

// A and B of one layer as the file holds them.
struct Pair {
  const io::TensorInfo* a = nullptr;
  const io::TensorInfo* b = nullptr;
};

// "blk.0.attn_q" of "blk.0.attn_q.weight.lora_a"; refuses what patina cannot apply.
std::string site_of(const io::TensorInfo& tensor, const std::string& source) {
  std::string_view name = tensor.name;
  if (!name.ends_with(kSuffixA) && !name.ends_with(kSuffixB)) {
    fail(ErrorKind::kUnsupported, "{} holds the tensor {}, which is no lora_a and no lora_b; patina cannot apply it",
         source, io::printable(name));
  }
  name.remove_suffix(kSuffixA.size());
  const bool known = name.ends_with(kWeight) && name != "token_embd.weight" && name != "output.weight";
  if (!known) {
    fail(ErrorKind::kUnsupported,
         "{} changes {}; patina applies adapters to linear layers inside the blocks only, train it without that",
         source, io::printable(name));
  }
  return std::string(name.substr(0, name.size() - kWeight.size()));
}

void check_metadata(const io::ModelFile& file, const std::string& source) {
  const io::Metadata& metadata = file.metadata();
  const bool adapter = file.form() == io::FileForm::kGguf && metadata.get_string(kType, "model") == "adapter";
  if (!adapter) {
    const bool vocabulary_or_model = file.form() != io::FileForm::kGguf || metadata.has(kArchitecture);
    fail(ErrorKind::kInvalidArgument, "{} is {}, not an adapter{}", source,
         vocabulary_or_model ? "a model" : "a file of another kind",
         vocabulary_or_model ? "; give it with -m" : "; give a GGUF file whose general.type is adapter");
  }
  const std::string type = metadata.get_string(kAdapterType);
  if (type != "lora" || metadata.has(kInvocation)) {
    fail(ErrorKind::kUnsupported, "{} is an adapter of the type {}; patina applies lora", source,
         metadata.has(kInvocation) ? "alora" : io::printable(type));
  }
}

tensor::Tensor decode(const io::TensorInfo& info, tensor::BufferPool& pool, const std::string& source) {
  const tensor::Tensor tensor = pool.make(info.rows(), info.row_length());
  quant::dequantize(info.type, info.data, tensor.values());
  for (const float value : tensor.values()) {
    if (!std::isfinite(value)) {
      fail(ErrorKind::kInvalidData, "{} is corrupt: {} holds a number that is not finite", source,
           io::printable(info.name));
    }
  }
  return tensor;
}

void check_pair(const std::string& site, const Pair& pair, const std::string& source) {
  if (pair.a == nullptr || pair.b == nullptr) {
    fail(ErrorKind::kInvalidData, "{} is incomplete: {} has no {}", source, io::printable(site),
         pair.a == nullptr ? "lora_a" : "lora_b");
  }
  for (const io::TensorInfo* tensor : {pair.a, pair.b}) {
    if (tensor->shape.size() > 2) {
      fail(ErrorKind::kUnsupported, "{} holds {} with {} dimensions; patina applies matrices only", source,
           io::printable(tensor->name), tensor->shape.size());
    }
  }
  if (pair.a->rows() != pair.b->row_length()) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: {} has rank {} in lora_a and {} in lora_b", source,
         io::printable(site), pair.a->rows(), pair.b->row_length());
  }
}

// In the file's order.
std::vector<std::pair<std::string, Pair>> pair_up(const io::ModelFile& file, const std::string& source) {
  std::vector<std::pair<std::string, Pair>> pairs;
  std::map<std::string, size_t> index;
  for (const io::TensorInfo& tensor : file.tensors()) {
    const auto [found, is_new] = index.emplace(site_of(tensor, source), pairs.size());
    if (is_new) pairs.emplace_back(found->first, Pair{});
    Pair& pair = pairs[found->second].second;
    (tensor.name.ends_with(kSuffixA) ? pair.a : pair.b) = &tensor;
  }
  return pairs;
}

}  // namespace

void save_lora(const LoraAdapter& adapter, const std::filesystem::path& path, quant::DType type) {
  if (type != quant::DType::kF32 && type != quant::DType::kF16) {
    fail(ErrorKind::kInvalidArgument, "adapters are saved as f16 or f32, not as {}", quant::name(type));
  }
  if (adapter.entries.empty())
    fail(ErrorKind::kInvalidArgument, "the adapter changes no layer; there is nothing to save");
  std::vector<std::vector<std::byte>> contents;
  contents.reserve(2 * adapter.entries.size());
  std::vector<io::TensorToWrite> tensors;
  const auto add = [&](std::string name, const tensor::Tensor& tensor) {
    contents.push_back(encode(tensor, name, type));
    tensors.push_back({std::move(name), type, {tensor.cols(), tensor.rows()}, contents.back()});
  };
  for (const LoraEntry& entry : adapter.entries) {
    add(fmt::format("{}{}{}", entry.site, kWeight, kSuffixA), entry.a);
    add(fmt::format("{}{}{}", entry.site, kWeight, kSuffixB), entry.b);
  }
  io::write_gguf(path, metadata_of(adapter), tensors);
}

LoraAdapter read_lora(const io::ModelFile& file) {
  const std::string source = file.path().string();
  check_metadata(file, source);
  const io::Metadata& metadata = file.metadata();
  LoraAdapter adapter;
  adapter.architecture = metadata.get_string(kArchitecture);
  adapter.name = metadata.get_string(kName, "");
  adapter.base_name = metadata.get_string(kBaseName, "");
  adapter.base_fingerprint = metadata.get_uint(kFingerprint, 0);
  adapter.prompt_template = metadata.get_string(kTemplate, "");
  adapter.alpha = static_cast<float>(metadata.get_float(kAlpha, 0.0));
  if (!std::isfinite(adapter.alpha)) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: {} is no finite number", source, kAlpha);
  }
  tensor::BufferPool pool;
  for (const auto& [site, pair] : pair_up(file, source)) {
    check_pair(site, pair, source);
    adapter.entries.push_back({site, decode(*pair.a, pool, source), decode(*pair.b, pool, source)});
  }
  if (adapter.entries.empty()) fail(ErrorKind::kInvalidData, "{} is an adapter without tensors", source);
  return adapter;
}

LoraAdapter load_lora(const std::filesystem::path& path) { return read_lora(*io::ModelFile::open(path)); }

}  // namespace patina::adapter
