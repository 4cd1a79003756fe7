#include "adapter/peft/peft_folder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "adapter/lora_tensors.h"
#include "adapter/peft/head_order.h"
#include "adapter/peft/module_names.h"
#include "adapter/peft/peft_config.h"
#include "base/error.h"
#include "io/printable.h"
#include "io/safetensors/writer.h"
#include "platform/atomic_file.h"
#include "platform/atomic_folder.h"

namespace patina::adapter {

namespace {

namespace fs = std::filesystem;
using peft::RowOrder;

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kPickleFile = "adapter_model.bin";
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kBaseSuffix = ".base_layer.weight";
constexpr const char* kFingerprint = "patina.base_fingerprint";  // in decimal
constexpr const char* kTemplate = "patina.prompt_template";

// What a module's matrices are called. Of embeddings A is [rank x vocabulary] and B [width x rank], as if they
// multiplied with a vector that is 1 at the token: turned round, B and A of the rows that are looked up.
struct Suffix {
  std::string_view text;
  Part part;
  bool of_embeddings;
};

constexpr std::array kSuffixes = {
    Suffix{".lora_A.weight", Part::kA, false},
    Suffix{".lora_B.weight", Part::kB, false},
    Suffix{".lora_embedding_A", Part::kA, true},
    Suffix{".lora_embedding_B", Part::kB, true},
    Suffix{".lora_magnitude_vector", Part::kMagnitude, false},
};

std::string tensor_name(std::string_view module, Part part, bool of_embeddings) {
  const auto* suffix = std::ranges::find_if(
      kSuffixes, [&](const Suffix& s) { return s.part == part && s.of_embeddings == of_embeddings; });
  return fmt::format("{}{}{}", kPrefix, module, suffix->text);
}

// Of which module "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" is. Nothing for the base's own
// embeddings and output, which PEFT saves beside those that it adapts.
std::optional<PartName> part_name(const io::TensorInfo& tensor, const std::string& source) {
  std::string_view name = tensor.name;
  const bool known = name.starts_with(kPrefix);
  if (known) name.remove_prefix(kPrefix.size());
  if (known && name.ends_with(kBaseSuffix)) return std::nullopt;
  const auto* suffix = std::ranges::find_if(kSuffixes, [&](const Suffix& s) { return name.ends_with(s.text); });
  if (!known || suffix == kSuffixes.end()) {
    fail(ErrorKind::kUnsupported, "{} holds the tensor {}, which is no lora_A and no lora_B; patina cannot apply it",
         source, io::printable(tensor.name));
  }
  name.remove_suffix(suffix->text.size());
  const std::optional<std::string> site = peft::site_of(name);
  if (!site || is_embedding(*site) != suffix->of_embeddings) {
    fail(ErrorKind::kUnsupported,
         "{} changes {} by {}; patina applies adapters to the linear layers of blocks, embed_tokens and lm_head, train "
         "it without others",
         source, io::printable(name), suffix->text.substr(1));
  }
  return PartName{std::string(name), suffix->part};
}

std::unique_ptr<io::ModelFile> open_tensors(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / kPeftTensorFile, ignored) && fs::exists(folder / kPickleFile, ignored)) {
    fail(ErrorKind::kUnsupported,
         "{} holds {}, a pickle, which is a program as much as data; save the adapter again as safetensors",
         folder.string(), kPickleFile);
  }
  auto file = io::ModelFile::open(folder / kPeftTensorFile);
  if (file->form() != io::FileForm::kSafetensors) {
    fail(ErrorKind::kInvalidData, "{} is no safetensors file", file->path().string());
  }
  return file;
}

uint64_t fingerprint_of(const io::Metadata& metadata) {
  const std::string text = metadata.get_string(kFingerprint, "");
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  constexpr size_t kMaxDigits = 20;
  return digits && text.size() <= kMaxDigits ? std::strtoull(text.c_str(), nullptr, 10) : 0;
}

struct LoadedEntry {
  LoraEntry entry;
  float scale;
};

void sort_and_check(std::vector<LoadedEntry>& entries, const std::string& source) {
  const auto site = [](const LoadedEntry& loaded) -> std::string_view { return loaded.entry.site; };
  std::ranges::sort(entries, peft::comes_before, site);
  const auto twice = std::ranges::adjacent_find(entries, {}, site);
  if (twice != entries.end()) {
    fail(ErrorKind::kInvalidData, "{} changes {} twice, under two names", source, io::printable(twice->entry.site));
  }
  const auto endless = std::ranges::find_if(entries, [](const LoadedEntry& e) { return !std::isfinite(e.scale); });
  if (endless != entries.end()) {
    fail(ErrorKind::kInvalidData, "{}: the alpha of {} is too large", source, io::printable(endless->entry.site));
  }
}

io::Metadata metadata_of(const LoraAdapter& adapter) {
  io::Metadata metadata;
  metadata.set("format", std::string("pt"));
  if (adapter.base_fingerprint != 0) metadata.set(kFingerprint, fmt::format("{}", adapter.base_fingerprint));
  if (!adapter.prompt_template.empty()) metadata.set(kTemplate, adapter.prompt_template);
  return metadata;
}

void check_base(const LoraAdapter& adapter, const std::optional<BaseModel>& base) {
  if (base.has_value() && base->architecture != adapter.architecture) {
    fail(ErrorKind::kIncompatible, "the adapter was made for a model of architecture {}, not {}", adapter.architecture,
         base->architecture);
  }
  const bool needed = std::ranges::any_of(
      adapter.entries, [&](const LoraEntry& entry) { return peft::has_head_order(adapter.architecture, entry.site); });
  if (needed && !base.has_value()) {
    fail(ErrorKind::kInvalidArgument,
         "PEFT has the rows of llama's queries and keys in another order, by heads; name the model with --base");
  }
}

}  // namespace

LoraAdapter load_peft(const fs::path& folder, const std::optional<BaseModel>& base) {
  if (!base.has_value()) {
    fail(ErrorKind::kInvalidArgument,
         "{} is a PEFT adapter, which does not say for what kind of model; name its model with --base",
         folder.string());
  }
  const peft::PeftConfig config = peft::read_peft_config(folder / kConfigFile);
  const auto file = open_tensors(folder);
  const std::string source = file->path().string();
  tensor::BufferPool pool;
  std::vector<LoadedEntry> loaded;
  const auto name_of = [&](const io::TensorInfo& tensor) { return part_name(tensor, source); };
  for (const Parts& parts : collect_parts(*file, name_of)) {
    if (config.magnitudes != (parts.magnitude != nullptr)) {
      fail(ErrorKind::kInvalidData, "{}: {} has {} magnitudes, but use_dora is {}", source, io::printable(parts.layer),
           parts.magnitude == nullptr ? "no" : "its", config.magnitudes);
    }
    const std::string site = peft::site_of(parts.layer).value_or("");  // part_name() has seen to it
    const tensor::Tensor a = decode(*parts.a, pool, source);
    const tensor::Tensor b = decode(*parts.b, pool, source);
    const bool turned = is_embedding(site);
    LoraEntry entry = make_entry({site, turned ? transposed(b, pool) : a, turned ? transposed(a, pool) : b,
                                  decode_column(parts.magnitude, pool, source)},
                                 source);
    entry.b = in_order(RowOrder::kGguf, entry.b, site, *base, source);
    if (entry.magnitude) entry.magnitude = in_order(RowOrder::kGguf, entry.magnitude, site, *base, source);
    const float scale = config.scale(parts.layer, entry.rank());
    loaded.push_back({std::move(entry), scale});
  }
  sort_and_check(loaded, source);
  LoraAdapter adapter;
  adapter.architecture = base->architecture;
  adapter.base_name = config.base_name;
  adapter.base_fingerprint = fingerprint_of(file->metadata());
  adapter.prompt_template = file->metadata().get_string(kTemplate, "");
  std::vector<float> scales;
  for (LoadedEntry& entry : loaded) {
    scales.push_back(entry.scale);
    adapter.entries.push_back(std::move(entry.entry));
  }
  set_scales(adapter, scales);
  return adapter;
}

void save_peft(const LoraAdapter& adapter, const fs::path& folder, quant::DType type,
               const std::optional<BaseModel>& base) {
  require_entries(adapter);
  check_base(adapter, base);
  EncodedTensors encoded(type);
  tensor::BufferPool pool;
  std::vector<peft::ModuleRank> modules;
  for (const LoraEntry& entry : adapter.entries) {
    const std::optional<std::string> module = peft::module_of(entry.site);
    if (!module.has_value()) {
      fail(ErrorKind::kUnsupported, "{} is no linear layer and no embedding; patina writes no others as PEFT",
           entry.site);
    }
    modules.emplace_back(*module, entry.rank());
    const auto reordered = [&](const tensor::Tensor& matrix) {
      return base.has_value() ? in_order(RowOrder::kHuggingFace, matrix, entry.site, *base, "the adapter") : matrix;
    };
    const bool turned = is_embedding(entry.site);
    encoded.add(tensor_name(*module, Part::kA, turned), turned ? transposed(entry.b, pool) : entry.a);
    encoded.add(tensor_name(*module, Part::kB, turned), turned ? transposed(entry.a, pool) : reordered(entry.b));
    if (!adapter.has_magnitudes()) continue;
    if (!entry.magnitude) {
      fail(ErrorKind::kUnsupported, "{} has no magnitudes and other layers have; PEFT knows all or none", entry.site);
    }
    encoded.add_vector(tensor_name(*module, Part::kMagnitude, false), reordered(entry.magnitude));
  }
  platform::AtomicFolder target(folder);
  io::write_safetensors(target.path() / kPeftTensorFile, metadata_of(adapter), encoded.tensors());
  platform::write_file_atomically(
      target.path() / kConfigFile,
      peft::peft_config_text(modules, adapter.alpha, adapter.base_name, adapter.has_magnitudes()));
  target.commit();
}

}  // namespace patina::adapter
