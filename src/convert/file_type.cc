#include "convert/file_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <variant>

namespace patina::convert {
namespace {

using quant::DType;

constexpr auto kFileTypes = std::to_array<FileTypeInfo>({
    {FileType::kQ2_K, "Q2_K", DType::kQ2_K},
    {FileType::kQ3_K_S, "Q3_K_S", DType::kQ3_K},
    {FileType::kQ3_K_M, "Q3_K_M", DType::kQ3_K},
    {FileType::kQ3_K_L, "Q3_K_L", DType::kQ3_K},
    {FileType::kQ4_0, "Q4_0", DType::kQ4_0},
    {FileType::kIQ4_NL, "IQ4_NL", DType::kIQ4_NL},
    {FileType::kQ4_K_S, "Q4_K_S", DType::kQ4_K},
    {FileType::kQ4_K_M, "Q4_K_M", DType::kQ4_K},
    {FileType::kQ4_1, "Q4_1", DType::kQ4_1},
    {FileType::kQ5_0, "Q5_0", DType::kQ5_0},
    {FileType::kQ5_K_S, "Q5_K_S", DType::kQ5_K},
    {FileType::kQ5_K_M, "Q5_K_M", DType::kQ5_K},
    {FileType::kQ5_1, "Q5_1", DType::kQ5_1},
    {FileType::kQ6_K, "Q6_K", DType::kQ6_K},
    {FileType::kQ8_0, "Q8_0", DType::kQ8_0},
    {FileType::kF16, "F16", DType::kF16},
    {FileType::kBF16, "BF16", DType::kBF16},
    {FileType::kF32, "F32", DType::kF32},
});

constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The number under `key`, the first layer's where there is one for each.
uint64_t first_number(const io::Metadata& metadata, const std::string& key, uint64_t fallback) {
  const io::MetaValue* value = metadata.find(key);
  if (value == nullptr || !std::holds_alternative<io::MetaArray>(*value)) return metadata.get_uint(key, fallback);
  const std::vector<int64_t> numbers = metadata.get_ints(key);
  return numbers.empty() || numbers[0] < 0 ? fallback : static_cast<uint64_t>(numbers[0]);
}

// "blk.7.ffn_down.weight" is of layer 7; 0 for a tensor of no layer.
int layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  int layer = 0;
  if (name.starts_with(kPrefix)) std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return layer;
}

bool is_quantizable(const io::TensorInfo& tensor) {
  const std::string_view name = tensor.name;
  return tensor.rows() > 1 && name.ends_with("weight") && !contains(name, "_norm.weight") &&
         !contains(name, "ffn_gate_inp.weight");
}

bool is_value_matrix(std::string_view name) {
  return contains(name, "attn_v.weight") || contains(name, "attn_qkv.weight") || contains(name, "attn_kv_b.weight");
}

// Of n layers those whose errors weigh most: the first and the last eighth, and each third one in between.
bool needs_more_bits(int layer, int n) { return layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2; }

// Chooses among the types for one model and target.
class Mix {
 public:
  Mix(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors, FileType target)
      : target_(target), base_(info(target).base) {
    const std::string architecture = metadata.get_string("general.architecture", "");
    layers_ = static_cast<int>(std::min<uint64_t>(first_number(metadata, architecture + ".block_count", 0), INT16_MAX));
    const uint64_t heads = first_number(metadata, architecture + ".attention.head_count", 1);
    const uint64_t kv_heads = first_number(metadata, architecture + ".attention.head_count_kv", heads);
    heads_per_kv_ = kv_heads == 0 ? 0 : heads / kv_heads;
    is_70b_ = layers_ == 80 && ((architecture == "llama" && heads != kv_heads) || architecture == "qwen2");
    tied_ = std::ranges::none_of(tensors, [](const auto& t) { return t.name == "output.weight"; });
    value_matrices_ =
        static_cast<int>(std::ranges::count_if(tensors, [](const auto& t) { return is_value_matrix(t.name); }));
  }

  DType type_of(const io::TensorInfo& tensor) const {
    if (!is_quantizable(tensor)) return tensor.type;
    if (quant::is_float(base_)) return base_;
    return fitting(wanted(tensor.name), tensor.row_length());
  }

 private:
  DType wanted(std::string_view name) const {
    const int layer = layer_of(name);
    if (name == "output.weight" || (tied_ && name == "token_embd.weight")) {
      return base_ == DType::kQ8_0 ? DType::kQ8_0 : DType::kQ6_K;
    }
    if (is_value_matrix(name)) return value_type(layer);
    if (contains(name, "attn_output.weight")) return attention_output_type();
    if (contains(name, "ffn_down")) return down_type(layer);
    return base_;
  }

  DType value_type(int layer) const {
    const DType type = value_type_by_target(layer);
    // Eight heads share these, so that they are small.
    return is_70b_ && (type == DType::kQ3_K || type == DType::kQ4_K) ? DType::kQ5_K : type;
  }

  DType value_type_by_target(int layer) const {
    switch (target_) {
      case FileType::kQ2_K:
        return heads_per_kv_ >= 4 ? DType::kQ4_K : DType::kQ3_K;
      case FileType::kQ3_K_M:
        return layer < 2 ? DType::kQ5_K : DType::kQ4_K;
      case FileType::kQ3_K_L:
        return DType::kQ5_K;
      case FileType::kIQ4_NL:
        return heads_per_kv_ >= 4 ? DType::kQ5_K : base_;
      case FileType::kQ4_K_S:
        return layer < 4 ? DType::kQ5_K : base_;
      case FileType::kQ4_K_M:
      case FileType::kQ5_K_M:
        return needs_more_bits(layer, value_matrices_) ? DType::kQ6_K : base_;
      default:
        return base_;
    }
  }

  DType attention_output_type() const {
    switch (target_) {
      case FileType::kQ2_K:
        return DType::kQ3_K;
      case FileType::kQ3_K_M:
        return DType::kQ4_K;
      case FileType::kQ3_K_L:
        return DType::kQ5_K;
      default:
        return base_;
    }
  }

  DType down_type(int layer) const {
    switch (target_) {
      case FileType::kQ2_K:
        return DType::kQ3_K;
      case FileType::kQ3_K_M:
        return layer < layers_ / 16 ? DType::kQ5_K : DType::kQ4_K;
      case FileType::kQ3_K_L:
        return DType::kQ5_K;
      case FileType::kIQ4_NL:
      case FileType::kQ4_K_S:
        return layer < layers_ / 8 ? DType::kQ5_K : base_;
      case FileType::kQ4_K_M:
      case FileType::kQ5_K_M:
        return needs_more_bits(layer, layers_) ? DType::kQ6_K : base_;
      default:
        return base_;
    }
  }

  // The type itself, or the one that takes its place in rows that are no whole number of its blocks.
  static DType fitting(DType type, int64_t row_length) {
    const auto fits = [row_length](DType t) { return row_length % quant::info(t).block_elements == 0; };
    if (fits(type)) return type;
    const DType smaller = with_smaller_blocks(type);
    return fits(smaller) ? smaller : DType::kF16;
  }

  static DType with_smaller_blocks(DType type) {
    switch (type) {
      case DType::kQ2_K:
      case DType::kQ3_K:
        return DType::kQ4_0;
      case DType::kQ4_K:
        return DType::kQ5_0;
      case DType::kQ5_K:
        return DType::kQ5_1;
      case DType::kQ6_K:
        return DType::kQ8_0;
      default:
        return type;
    }
  }

  FileType target_;
  DType base_;
  int layers_;
  uint64_t heads_per_kv_;
  bool is_70b_;
  bool tied_;  // the token embedding is the output matrix too
  int value_matrices_;
};

}  // namespace

std::span<const FileTypeInfo> file_types() { return kFileTypes; }

const FileTypeInfo& info(FileType type) { return *std::ranges::find(kFileTypes, type, &FileTypeInfo::type); }

std::optional<FileType> file_type_from_name(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), to_upper);
  if (upper == "Q3_K" || upper == "Q4_K" || upper == "Q5_K") upper += "_M";
  const auto found = std::ranges::find(kFileTypes, upper, &FileTypeInfo::name);
  if (found == kFileTypes.end()) return std::nullopt;
  return found->type;
}

std::vector<DType> choose_types(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors,
                                FileType target) {
  const Mix mix(metadata, tensors, target);
  std::vector<DType> types;
  types.reserve(tensors.size());
  for (const io::TensorInfo& tensor : tensors) types.push_back(mix.type_of(tensor));
  return types;
}

}  // namespace patina::convert
