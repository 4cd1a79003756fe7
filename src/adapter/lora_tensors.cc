#include "adapter/lora_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/half.h"
#include "io/printable.h"
#include "quant/dequantize.h"

namespace patina::adapter {

namespace {

void check(const Parts& parts, const std::string& source) {
  if (parts.a == nullptr || parts.b == nullptr) {
    fail(ErrorKind::kInvalidData, "{} is incomplete: {} has no {}", source, io::printable(parts.layer),
         parts.a == nullptr ? "lora_a" : "lora_b");
  }
  for (const io::TensorInfo* tensor : {parts.a, parts.b}) {
    if (tensor->shape.size() > 2) {
      fail(ErrorKind::kUnsupported, "{} holds {} with {} dimensions; patina applies matrices only", source,
           io::printable(tensor->name), tensor->shape.size());
    }
  }
}

}  // namespace

std::vector<Parts> collect_parts(const io::ModelFile& file,
                                 FunctionRef<std::optional<PartName>(const io::TensorInfo&)> name_of) {
  const std::string source = file.path().string();
  std::vector<Parts> all;
  std::map<std::string, size_t> index;
  for (const io::TensorInfo& tensor : file.tensors()) {
    const std::optional<PartName> name = name_of(tensor);
    if (!name) continue;
    const auto [found, is_new] = index.emplace(name->layer, all.size());
    if (is_new) all.push_back({.layer = name->layer});
    Parts& parts = all[found->second];
    const io::TensorInfo*& place = name->part == Part::kA   ? parts.a
                                   : name->part == Part::kB ? parts.b
                                                            : parts.magnitude;
    if (place != nullptr) {
      fail(ErrorKind::kInvalidData, "{} is corrupt: {} and {} are the same matrix of a layer", source,
           io::printable(place->name), io::printable(tensor.name));
    }
    place = &tensor;
  }
  for (const Parts& parts : all) check(parts, source);
  if (all.empty()) fail(ErrorKind::kInvalidData, "{} is an adapter without tensors", source);
  return all;
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

tensor::Tensor decode_column(const io::TensorInfo* info, tensor::BufferPool& pool, const std::string& source) {
  if (info == nullptr) return {};
  tensor::Tensor tensor = decode(*info, pool, source);
  if (tensor.cols() == 1) return tensor;
  if (tensor.rows() == 1) return transposed(tensor, pool);
  fail(ErrorKind::kInvalidData, "{} is corrupt: {} should be a vector", source, io::printable(info->name));
}

LoraEntry make_entry(LoraEntry entry, const std::string& source) {
  if (entry.a.rows() != entry.b.cols()) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: {} has rank {} in lora_a and {} in lora_b", source,
         io::printable(entry.site), entry.a.rows(), entry.b.cols());
  }
  if (entry.magnitude && is_embedding(entry.site)) {
    fail(ErrorKind::kUnsupported, "{} holds magnitudes (DoRA) of {}; patina applies those of other layers only", source,
         entry.site);
  }
  if (entry.magnitude && entry.magnitude.rows() != entry.b.rows()) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: {} has {} magnitudes for {} rows", source, io::printable(entry.site),
         entry.magnitude.rows(), entry.b.rows());
  }
  return entry;
}

tensor::Tensor transposed(const tensor::Tensor& matrix, tensor::BufferPool& pool) {
  const tensor::Tensor result = pool.make(matrix.cols(), matrix.rows());
  for (int64_t i = 0; i < matrix.rows(); ++i) {
    for (int64_t j = 0; j < matrix.cols(); ++j) result.row(j)[i] = matrix.row(i)[j];
  }
  return result;
}

tensor::Tensor multiplied(const tensor::Tensor& matrix, float factor, tensor::BufferPool& pool) {
  if (std::fabs(factor - 1.0F) <= kSameFactor) return matrix;
  const tensor::Tensor result = pool.make(matrix.rows(), matrix.cols());
  std::ranges::transform(matrix.values(), result.data(), [factor](float value) { return value * factor; });
  if (!std::ranges::all_of(result.values(), [](float value) { return std::isfinite(value); })) {
    fail(ErrorKind::kInvalidData, "the adapter's numbers times {} are too large", factor);
  }
  return result;
}

EncodedTensors::EncodedTensors(quant::DType type) : type_(type) {
  if (type != quant::DType::kF32 && type != quant::DType::kF16) {
    fail(ErrorKind::kInvalidArgument, "adapters are saved as f16 or f32, not as {}", quant::name(type));
  }
}

void EncodedTensors::add(std::string name, const tensor::Tensor& tensor) {
  add(std::move(name), type_, tensor.values(), {tensor.cols(), tensor.rows()});
}

void EncodedTensors::add_vector(std::string name, const tensor::Tensor& tensor) {
  add(std::move(name), quant::DType::kF32, tensor.values(), {tensor.size()});
}

void EncodedTensors::add(std::string name, quant::DType type, std::span<const float> values,
                         std::vector<int64_t> shape) {
  const auto size = static_cast<int64_t>(values.size());
  std::vector<std::byte>& bytes = contents_.emplace_back(static_cast<size_t>(quant::row_bytes(type, size)));
  std::byte* out = bytes.data();
  for (const float value : values) {
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
  tensors_.push_back({std::move(name), type, std::move(shape), bytes});
}

void require_no_magnitudes(const LoraAdapter& adapter, std::string_view what) {
  if (!adapter.has_magnitudes()) return;
  fail(ErrorKind::kUnsupported, "an adapter with magnitudes (DoRA) cannot {}; patina merge puts it into its model",
       what);
}

void require_entries(const LoraAdapter& adapter) {
  if (adapter.entries.empty()) {
    fail(ErrorKind::kInvalidArgument, "the adapter changes no layer; there is nothing to save");
  }
}

}  // namespace patina::adapter
