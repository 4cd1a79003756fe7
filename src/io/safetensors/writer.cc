#include "io/safetensors/writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "base/error.h"
#include "io/printable.h"
#include "io/safetensors/format.h"
#include "io/tensor_layout.h"
#include "platform/atomic_file.h"

namespace patina::io {

namespace {

using nlohmann::ordered_json;

const safetensors::TypeName& type_name(const TensorToWrite& tensor, const std::filesystem::path& path) {
  const auto* found = std::ranges::find(safetensors::kTypeNames, tensor.type, &safetensors::TypeName::type);
  if (found == safetensors::kTypeNames.end()) {
    fail(ErrorKind::kInvalidArgument, "cannot write {}: tensor {} is of type {}; safetensors takes F32, F16 and BF16",
         path.string(), printable(tensor.name), quant::name(tensor.type));
  }
  return *found;
}

std::vector<const TensorToWrite*> in_file_order(std::span<const TensorToWrite> tensors,
                                                const std::filesystem::path& path) {
  std::vector<const TensorToWrite*> order;
  order.reserve(tensors.size());
  for (const TensorToWrite& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, [&](const TensorToWrite* a, const TensorToWrite* b) {
    return std::tuple(&type_name(*a, path), std::string_view(a->name)) <
           std::tuple(&type_name(*b, path), std::string_view(b->name));
  });
  return order;
}

ordered_json texts_of(const Metadata& metadata, const std::filesystem::path& path) {
  ordered_json texts = ordered_json::object();
  for (const MetaEntry& entry : metadata.entries()) {
    const auto* text = std::get_if<std::string>(&entry.value);
    if (text == nullptr) {
      fail(ErrorKind::kInvalidArgument, "cannot write {}: its metadata {} is no text", path.string(),
           printable(entry.key));
    }
    texts[entry.key] = *text;
  }
  return texts;
}

std::string header_of(const Metadata& metadata, std::span<const TensorToWrite* const> tensors,
                      const std::filesystem::path& path) {
  ordered_json header = ordered_json::object();
  if (!metadata.entries().empty()) header[safetensors::kMetadataKey] = texts_of(metadata, path);
  uint64_t offset = 0;
  for (const TensorToWrite* tensor : tensors) {
    const uint64_t bytes =
        tensor_bytes(tensor->type, tensor->shape, tensor->name, path.string(), ErrorKind::kInvalidArgument);
    if (bytes != tensor->data.size() || header.contains(tensor->name) || tensor->name == safetensors::kMetadataKey) {
      fail(ErrorKind::kInvalidArgument, "cannot write {}: tensor {} is there twice or has other data than its shape",
           path.string(), printable(tensor->name));
    }
    header[tensor->name] = {{"dtype", type_name(*tensor, path).name},
                            {"shape", std::vector<int64_t>(tensor->shape.rbegin(), tensor->shape.rend())},
                            {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  try {
    std::string text = header.dump();
    text.resize(align_up(text.size(), safetensors::kHeaderAlignment), ' ');
    return text;
  } catch (const ordered_json::exception&) {
    fail(ErrorKind::kInvalidArgument, "cannot write {}: a name or a text in it is no UTF-8", path.string());
  }
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const Metadata& metadata,
                       std::span<const TensorToWrite> tensors) {
  const std::vector<const TensorToWrite*> order = in_file_order(tensors, path);
  const std::string header = header_of(metadata, order, path);
  platform::AtomicFile file(path);
  const uint64_t size = header.size();
  file.write(std::as_bytes(std::span(&size, 1)));
  file.write(header);
  for (const TensorToWrite* tensor : order) file.write(tensor->data);
  file.commit();
}

}  // namespace patina::io
