#include "io/tensor_layout.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_set>

#include "io/printable.h"

namespace patina::io {

uint64_t tensor_bytes(quant::DType type, std::span<const int64_t> shape, std::string_view tensor,
                      std::string_view source, ErrorKind kind) {
  if (shape.empty() || shape.size() > kMaxDimensions) {
    fail(kind, "{}: tensor {} has {} dimensions; 1 to {} are possible", source, printable(tensor), shape.size(),
         kMaxDimensions);
  }
  uint64_t elements = 1;
  bool valid = true;
  for (const int64_t dimension : shape) {
    valid = valid && dimension >= 1 && !__builtin_mul_overflow(elements, static_cast<uint64_t>(dimension), &elements);
  }
  // No type takes more than 8 bytes for an element, so that the size in bytes cannot overflow either.
  if (!valid || elements > std::numeric_limits<uint64_t>::max() / 16) {
    fail(kind, "{}: tensor {} has a size that is not possible; the file is corrupt", source, printable(tensor));
  }
  const quant::DTypeInfo& layout = quant::info(type);
  if (shape[0] % layout.block_elements != 0) {
    fail(kind, "{}: the rows of tensor {} have {} numbers, which is no multiple of {}, the block of {}", source,
         printable(tensor), shape[0], layout.block_elements, layout.name);
  }
  return elements / static_cast<uint64_t>(layout.block_elements) * static_cast<uint64_t>(layout.block_bytes);
}

quant::DType require_dtype(uint32_t id, std::string_view tensor, std::string_view source) {
  const std::optional<quant::DType> type = quant::dtype_from_id(id);
  if (!type.has_value()) {
    fail(ErrorKind::kUnsupported, "{}: tensor {} is of type {}, which is not supported; use a file in another format",
         source, printable(tensor), id);
  }
  return *type;
}

void check_distinct(std::span<const TensorInfo> tensors, std::string_view source) {
  std::unordered_set<std::string_view> names;
  std::vector<const TensorInfo*> by_address;
  by_address.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      fail(ErrorKind::kInvalidData, "{} holds tensor {} twice; the file is corrupt", source, printable(tensor.name));
    }
    if (!tensor.data.empty()) by_address.push_back(&tensor);
  }
  std::ranges::sort(by_address, std::less<>(), [](const TensorInfo* tensor) { return tensor->data.data(); });
  for (size_t i = 1; i < by_address.size(); ++i) {
    const TensorInfo& before = *by_address[i - 1];
    if (before.data.data() + before.data.size() > by_address[i]->data.data()) {
      fail(ErrorKind::kInvalidData, "{}: the data of tensors {} and {} overlap; the file is corrupt", source,
           printable(before.name), printable(by_address[i]->name));
    }
  }
}

}  // namespace patina::io
