#include "io/safetensors/parser.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/byte_reader.h"
#include "io/printable.h"
#include "io/safetensors/format.h"
#include "io/tensor_layout.h"

namespace patina::io {

namespace {

using nlohmann::json;

// Objects in objects in the header's object.
constexpr int kMaxDepth = 3;

struct Entry {
  TensorInfo tensor;
  uint64_t begin;
  uint64_t end;
};

[[noreturn]] void fail_header(std::string_view source, std::string_view what) {
  fail(ErrorKind::kInvalidData, "{} is corrupt: {}", source, what);
}

// A key that is there twice or something nested too deeply ends the parsing.
json parse_header(std::string_view text, std::string_view source) {
  std::set<std::string> names;
  const auto check = [&](int depth, json::parse_event_t event, const json& parsed) {
    if (depth > kMaxDepth) fail_header(source, "its header nests too deeply");
    if (event == json::parse_event_t::key && depth == 1 && !names.insert(parsed.get<std::string>()).second) {
      fail_header(source, fmt::format("its header holds {} twice", printable(parsed.get<std::string>())));
    }
    return true;
  };
  try {
    json header = json::parse(text, check);
    if (header.is_object()) return header;
  } catch (const json::exception& error) {
    fail_header(source, fmt::format("its header is no JSON ({})", printable(error.what())));
  }
  fail_header(source, "its header is no JSON object");
}

Metadata read_metadata(const json& texts, std::string_view source) {
  Metadata metadata;
  if (!texts.is_object()) fail_header(source, "its __metadata__ is no object");
  for (const auto& [key, value] : texts.items()) {
    if (!value.is_string()) fail_header(source, fmt::format("{} in its __metadata__ is no text", printable(key)));
    metadata.set(key, value.get<std::string>());
  }
  return metadata;
}

std::vector<uint64_t> numbers(const json& description, const char* key, std::string_view name,
                              std::string_view source) {
  const auto found = description.find(key);
  const bool whole = found != description.end() && found->is_array() &&
                     std::ranges::all_of(*found, [](const json& n) { return n.is_number_unsigned(); });
  if (!whole) {
    fail_header(source, fmt::format("tensor {} has no {} of whole numbers", printable(name), key));
  }
  return found->get<std::vector<uint64_t>>();
}

quant::DType type_of(const json& description, std::string_view name, std::string_view source) {
  const auto found = description.find("dtype");
  if (found == description.end() || !found->is_string()) {
    fail_header(source, fmt::format("tensor {} has no dtype", printable(name)));
  }
  const auto type_name = found->get<std::string>();
  const auto* type = std::ranges::find(safetensors::kTypeNames, type_name, &safetensors::TypeName::name);
  if (type == safetensors::kTypeNames.end()) {
    fail(ErrorKind::kUnsupported, "{}: tensor {} is of type {}; only F32, F16 and BF16 are supported", source,
         printable(name), printable(type_name));
  }
  return type->type;
}

std::vector<int64_t> shape_of(const json& description, std::string_view name, std::string_view source) {
  std::vector<uint64_t> dimensions = numbers(description, "shape", name, source);
  if (dimensions.empty()) dimensions.push_back(1);
  std::vector<int64_t> shape;
  for (size_t i = dimensions.size(); i-- > 0;) {
    if (dimensions[i] == 0 || dimensions.size() > kMaxDimensions) {
      fail(ErrorKind::kUnsupported, "{}: tensor {} has {}; 1 to {} dimensions of at least 1 are supported", source,
           printable(name), dimensions[i] == 0 ? "no elements" : fmt::format("{} dimensions", dimensions.size()),
           kMaxDimensions);
    }
    shape.push_back(static_cast<int64_t>(std::min<uint64_t>(dimensions[i], std::numeric_limits<int64_t>::max())));
  }
  return shape;
}

Entry read_entry(const std::string& name, const json& description, std::string_view source) {
  if (!description.is_object()) fail_header(source, fmt::format("tensor {} is no object", printable(name)));
  Entry entry{{name, type_of(description, name, source), shape_of(description, name, source), {}}, 0, 0};
  const std::vector<uint64_t> offsets = numbers(description, "data_offsets", name, source);
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    fail_header(source, fmt::format("tensor {} has no begin and end", printable(name)));
  }
  entry.begin = offsets[0];
  entry.end = offsets[1];
  const uint64_t bytes = tensor_bytes(entry.tensor.type, entry.tensor.shape, name, source);
  if (entry.end - entry.begin != bytes) {
    fail_header(source, fmt::format("tensor {} has {} bytes where its shape asks for {}", printable(name),
                                    entry.end - entry.begin, bytes));
  }
  return entry;
}

// Gives every tensor its part of `data`, in order.
std::vector<TensorInfo> lay_out(std::vector<Entry> entries, std::span<const std::byte> data, std::string_view source) {
  std::ranges::sort(entries, {}, &Entry::begin);
  std::vector<TensorInfo> tensors;
  tensors.reserve(entries.size());
  uint64_t position = 0;
  for (Entry& entry : entries) {
    if (entry.begin != position) {
      fail_header(source, fmt::format("the data of tensor {} begins at byte {} where {} is next",
                                      printable(entry.tensor.name), entry.begin, position));
    }
    if (entry.end > data.size()) {
      fail(ErrorKind::kInvalidData, "{} is truncated or corrupt: the data of tensor {} lies beyond its end", source,
           printable(entry.tensor.name));
    }
    entry.tensor.data = data.subspan(entry.begin, entry.end - entry.begin);
    position = entry.end;
    tensors.push_back(std::move(entry.tensor));
  }
  if (position != data.size()) {
    fail_header(source, fmt::format("{} bytes at its end belong to no tensor", data.size() - position));
  }
  return tensors;
}

}  // namespace

ParsedFile parse_safetensors(std::span<const std::byte> bytes, std::string_view source) {
  ByteReader reader(bytes, source);
  const auto size = reader.read<uint64_t>("the length of the header");
  if (size > safetensors::kMaxHeaderBytes) {
    fail_header(source, fmt::format("a header of {} bytes is more than the format allows", size));
  }
  const std::string text = reader.take_string(size, "the header");
  if (!text.starts_with('{')) fail_header(source, "its header is no JSON object");
  const json header = parse_header(text, source);
  ParsedFile file;
  std::vector<Entry> entries;
  for (const auto& [name, description] : header.items()) {
    if (name == safetensors::kMetadataKey) {
      file.metadata = read_metadata(description, source);
    } else {
      entries.push_back(read_entry(name, description, source));
    }
  }
  file.tensors = lay_out(std::move(entries), reader.take(reader.remaining(), "the data"), source);
  return file;
}

}  // namespace patina::io
