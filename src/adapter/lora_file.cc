#include <algorithm>
#include <array>
#include <cmath>

#include "adapter/ggla_file.h"
#include "adapter/lora_adapter.h"
#include "adapter/lora_tensors.h"
#include "adapter/peft/peft_folder.h"
#include "base/error.h"
#include "io/printable.h"

// The file form of adapters, drawn in docs/formats/adapter.md. Names and meanings are those that llama.cpp's
// llama-adapter.cpp reads. Of the embeddings a row for each token is looked up, so that lora_a is [tokens x rank] and
// lora_b [width x rank].
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

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";
constexpr std::string_view kSuffixMagnitude = ".lora_magnitude";  // patina's own
constexpr std::string_view kWeight = ".weight";

struct PartSuffix {
  Part part;
  std::string_view text;
};
constexpr std::array kSuffixes = {PartSuffix{Part::kA, kSuffixA}, PartSuffix{Part::kB, kSuffixB},
                                  PartSuffix{Part::kMagnitude, kSuffixMagnitude}};

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
  if (!adapter.prompt_template.empty()) metadata.set(std::string(kPromptTemplateKey), adapter.prompt_template);
  return metadata;
}

// Of which layer the tensor "blk.0.attn_q.weight.lora_a" is; refuses what is no matrix of a linear layer's weight.
PartName part_name(const io::TensorInfo& tensor, const std::string& source) {
  std::string_view name = tensor.name;
  const auto* suffix = std::ranges::find_if(kSuffixes, [&](const PartSuffix& s) { return name.ends_with(s.text); });
  if (suffix == kSuffixes.end()) {
    fail(ErrorKind::kUnsupported, "{} holds the tensor {}, which is no lora_a and no lora_b; patina cannot apply it",
         source, io::printable(name));
  }
  name.remove_suffix(suffix->text.size());
  if (!name.ends_with(kWeight)) {
    fail(ErrorKind::kUnsupported, "{} changes {}; patina applies adapters to weights only, train it without that",
         source, io::printable(name));
  }
  return {std::string(name.substr(0, name.size() - kWeight.size())), suffix->part};
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

}  // namespace

void save_lora(const LoraAdapter& adapter, const std::filesystem::path& path, quant::DType type) {
  require_entries(adapter);
  EncodedTensors encoded(type);
  tensor::BufferPool pool;
  for (const LoraEntry& entry : adapter.entries) {
    if (is_norm(entry.site)) {
      fail(ErrorKind::kUnsupported,
           "the adapter changes {}, and no reader of GGUF adapters applies that; patina merge puts it into the model",
           entry.site);
    }
    const bool turned = is_embedding(entry.site);
    encoded.add(fmt::format("{}{}{}", entry.site, kWeight, kSuffixA), turned ? entry.b : entry.a);
    encoded.add(fmt::format("{}{}{}", entry.site, kWeight, kSuffixB), turned ? transposed(entry.a, pool) : entry.b);
    if (entry.magnitude)
      encoded.add_vector(fmt::format("{}{}{}", entry.site, kWeight, kSuffixMagnitude), entry.magnitude);
  }
  io::write_gguf(path, metadata_of(adapter), encoded.tensors());
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
  adapter.prompt_template = metadata.get_string(kPromptTemplateKey, "");
  adapter.alpha = static_cast<float>(metadata.get_float(kAlpha, 0.0));
  if (!std::isfinite(adapter.alpha)) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: {} is no finite number", source, kAlpha);
  }
  tensor::BufferPool pool;
  const auto name_of = [&](const io::TensorInfo& tensor) { return part_name(tensor, source); };
  for (const Parts& parts : collect_parts(file, name_of)) {
    const tensor::Tensor a = decode(*parts.a, pool, source);
    const tensor::Tensor b = decode(*parts.b, pool, source);
    const bool turned = is_embedding(parts.layer);
    adapter.entries.push_back(make_entry(
        {parts.layer, turned ? transposed(b, pool) : a, turned ? a : b, decode_column(parts.magnitude, pool, source)},
        source));
  }
  return adapter;
}

LoraAdapter load_lora(const std::filesystem::path& path, const std::optional<BaseModel>& base) {
  if (std::filesystem::is_directory(path)) return load_peft(path, base);
  const auto file = io::ModelFile::open(path);
  if (file->form() == io::FileForm::kSafetensors) {
    if (path.filename() != kPeftTensorFile) {
      fail(ErrorKind::kInvalidArgument, "{} is a safetensors file; a PEFT adapter is given as the folder with its {}",
           path.string(), kPeftTensorFile);
    }
    return load_peft(path.parent_path(), base);
  }
  if (file->form() == io::FileForm::kGgla) return read_ggla(*file, base);
  return read_lora(*file);
}

}  // namespace patina::adapter
