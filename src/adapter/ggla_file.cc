#include "adapter/ggla_file.h"

#include <cmath>
#include <string>
#include <vector>

#include "adapter/lora_tensors.h"
#include "base/error.h"
#include "io/ggla/format.h"
#include "io/ggla/writer.h"
#include "io/ggml_legacy/names.h"
#include "io/printable.h"

namespace patina::adapter {

namespace {

namespace ggla = io::ggla;

constexpr std::string_view kWeight = ".weight";

PartName part_name(const io::TensorInfo& tensor, const std::string& source) {
  std::string_view name = tensor.name;
  const bool is_a = name.ends_with(ggla::kSuffixA);
  if (is_a || name.ends_with(ggla::kSuffixB)) name.remove_suffix(ggla::kSuffixA.size());
  if (name.size() == tensor.name.size() || !name.ends_with(kWeight)) {
    fail(ErrorKind::kUnsupported, "{} holds the tensor {}, which is no loraA and no loraB of a weight", source,
         io::printable(tensor.name));
  }
  name.remove_suffix(kWeight.size());
  return {std::string(name), is_a ? Part::kA : Part::kB};
}

// "blk.0.attn_q.weight" in the words of that time.
std::string weight_name(const std::string& site, GglaNames names) {
  std::string gguf = std::string(site).append(kWeight);
  if (names == GglaNames::kGguf) return gguf;
  const std::optional<std::string> name = io::ggjt::from_gguf_name(gguf);
  if (!name.has_value()) fail(ErrorKind::kUnsupported, "models of the time of GGJT have no {}", gguf);
  return *name;
}

// Whole numbers whose quotient is the first entry's scale, where there are such.
struct Quotient {
  int32_t rank;
  int32_t alpha;

  float value() const { return static_cast<float>(alpha) / static_cast<float>(rank); }
};

Quotient quotient_of(const LoraAdapter& adapter) {
  const LoraEntry& first = adapter.entries.front();
  const auto rank = static_cast<int32_t>(first.rank());
  const float alpha = adapter.scale(first) * static_cast<float>(rank);
  constexpr float kLargest = 1e6F;
  const bool whole = std::fabs(alpha) >= 1.0F && std::fabs(alpha) < kLargest &&
                     std::fabs(alpha - std::round(alpha)) <= kSameFactor * std::fabs(alpha);
  return {rank, whole ? static_cast<int32_t>(std::lround(alpha)) : rank};
}

}  // namespace

LoraAdapter read_ggla(const io::ModelFile& file, const std::optional<BaseModel>& base) {
  const std::string source = file.path().string();
  const auto rank = static_cast<float>(file.metadata().get_uint(ggla::kRankKey));
  LoraAdapter adapter;
  adapter.architecture = base.has_value() ? base->architecture : "llama";
  tensor::BufferPool pool;
  const auto name_of = [&](const io::TensorInfo& tensor) { return part_name(tensor, source); };
  for (const Parts& parts : collect_parts(file, name_of)) {
    adapter.entries.push_back(make_entry(
        {parts.layer, transposed(decode(*parts.a, pool, source), pool), decode(*parts.b, pool, source)}, source));
  }
  const float scale = static_cast<float>(file.metadata().get_float("adapter.lora.alpha")) / rank;
  set_scales(adapter, std::vector<float>(adapter.entries.size(), scale));
  return adapter;
}

void save_ggla(const LoraAdapter& adapter, const std::filesystem::path& path, quant::DType type, GglaNames names) {
  require_entries(adapter);
  require_no_magnitudes(adapter, "be written as ggla");
  const Quotient quotient = quotient_of(adapter);
  tensor::BufferPool pool;
  EncodedTensors encoded(type);
  for (const LoraEntry& entry : adapter.entries) {
    const std::string name = weight_name(entry.site, names);
    const float factor = adapter.scale(entry) / quotient.value();
    encoded.add(std::string(name).append(ggla::kSuffixA), transposed(entry.a, pool));
    encoded.add(std::string(name).append(ggla::kSuffixB), multiplied(entry.b, factor, pool));
  }
  io::write_ggla(path, quotient.rank, quotient.alpha, encoded.tensors());
}

}  // namespace patina::adapter
