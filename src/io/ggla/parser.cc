#include "io/ggla/parser.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "io/byte_reader.h"
#include "io/ggla/format.h"
#include "io/ggml_legacy/names.h"
#include "io/printable.h"
#include "io/tensor_layout.h"

namespace patina::io {

namespace {

Metadata read_header(ByteReader& reader) {
  if (reader.read<uint32_t>("the magic") != ggla::kMagic) {
    fail(ErrorKind::kInvalidData, "{} is no ggla file", reader.source());
  }
  const auto version = reader.read<uint32_t>("the version");
  if (version != ggla::kVersion) {
    fail(ErrorKind::kUnsupported, "{} is a ggla adapter of version {}; only version {} is supported", reader.source(),
         version, ggla::kVersion);
  }
  const auto rank = reader.read<int32_t>("the rank");
  const auto alpha = reader.read<int32_t>("alpha");
  if (rank < 1) fail(ErrorKind::kInvalidData, "{} is corrupt: its rank is {}", reader.source(), rank);
  Metadata metadata;
  metadata.set("general.type", "adapter");
  metadata.set("adapter.type", "lora");
  metadata.set("adapter.lora.alpha", static_cast<double>(alpha), MetaType::kF64);
  metadata.set(ggla::kRankKey, static_cast<uint64_t>(rank));
  return metadata;
}

std::string gguf_name(const std::string& name) {
  for (const std::string_view suffix : {ggla::kSuffixA, ggla::kSuffixB}) {
    if (!name.ends_with(suffix)) continue;
    const std::string base = name.substr(0, name.size() - suffix.size());
    return ggjt::to_gguf_name(base).value_or(base).append(suffix);
  }
  return name;
}

TensorInfo read_tensor(ByteReader& reader) {
  const auto dimensions = reader.read<uint32_t>("the number of dimensions");
  const auto name_bytes = reader.read<uint32_t>("the length of a tensor name");
  const auto type = reader.read<uint32_t>("a tensor type");
  if (dimensions < 1 || dimensions > ggla::kMaxDimensions || name_bytes > ggla::kMaxNameBytes) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: at byte {} there should be a tensor", reader.source(),
         reader.offset());
  }
  TensorInfo tensor;
  for (uint32_t i = 0; i < dimensions; ++i) tensor.shape.push_back(reader.read<uint32_t>("a dimension"));
  const std::string name = reader.take_string(name_bytes, "a tensor name");
  tensor.type = require_dtype(type, name, reader.source());
  if (tensor.type != quant::DType::kF32 && tensor.type != quant::DType::kF16) {
    fail(ErrorKind::kUnsupported, "{}: tensor {} is of type {}, which ggla does not have", reader.source(),
         printable(name), quant::name(tensor.type));
  }
  const uint64_t bytes = tensor_bytes(tensor.type, tensor.shape, name, reader.source());
  tensor.name = gguf_name(name);
  reader.take(align_up(reader.offset(), ggla::kAlignment) - reader.offset(), "padding");
  tensor.data = reader.take(bytes, "the data of a tensor");
  return tensor;
}

}  // namespace

ParsedFile parse_ggla(std::span<const std::byte> bytes, std::string_view source) {
  ByteReader reader(bytes, source);
  ParsedFile file{.metadata = read_header(reader), .tensors = {}};
  while (reader.remaining() > 0) file.tensors.push_back(read_tensor(reader));
  return file;
}

}  // namespace patina::io
