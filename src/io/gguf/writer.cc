#include "io/gguf/writer.h"

#include <array>
#include <bit>
#include <type_traits>
#include <unordered_set>
#include <variant>

#include "base/error.h"
#include "io/gguf/format.h"
#include "io/printable.h"
#include "io/tensor_layout.h"

namespace patina::io {

namespace {

// Appends little-endian values to a buffer.
class HeaderBuilder {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T>
  void add(T value) {
    const auto raw = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }

  void add_string(std::string_view text) {
    add(static_cast<uint64_t>(text.size()));
    const auto raw = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }

  void add_entry(const MetaEntry& entry) {
    add_string(entry.key);
    if (const auto* array = std::get_if<MetaArray>(&entry.value)) {
      add(static_cast<uint32_t>(MetaType::kArray));
      add(static_cast<uint32_t>(entry.type));
      std::visit([&](const auto& elements) { add_elements(elements, entry.type); }, *array);
    } else {
      add(static_cast<uint32_t>(entry.type));
      std::visit([&](const auto& value) { add_value(value, entry.type); }, entry.value);
    }
  }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  template <typename T>
  void add_elements(const std::vector<T>& elements, MetaType type) {
    add(static_cast<uint64_t>(elements.size()));
    for (const auto& element : elements) add_value(T(element), type);
  }

  void add_value(const std::string& text, MetaType) { add_string(text); }
  void add_value(const MetaArray&, MetaType) {}  // arrays do not nest
  template <typename T>
    requires std::is_arithmetic_v<T>
  void add_value(T value, MetaType type) {
    switch (type) {
      case MetaType::kU8:
      case MetaType::kI8:
      case MetaType::kBool:
        return add(static_cast<uint8_t>(value));
      case MetaType::kU16:
      case MetaType::kI16:
        return add(static_cast<uint16_t>(value));
      case MetaType::kU32:
      case MetaType::kI32:
        return add(static_cast<uint32_t>(value));
      case MetaType::kF32:
        return add(static_cast<float>(value));
      case MetaType::kF64:
        return add(static_cast<double>(value));
      default:
        return add(static_cast<uint64_t>(value));
    }
  }

  std::vector<std::byte> bytes_;
};

uint64_t alignment_for(const Metadata& metadata) {
  const uint64_t alignment = metadata.get_uint(gguf::kAlignmentKey, gguf::kDefaultAlignment);
  if (!std::has_single_bit(alignment) || alignment < gguf::kMinAlignment || alignment > gguf::kMaxAlignment) {
    fail(ErrorKind::kInvalidArgument, "an alignment of {} is not possible for a GGUF file", alignment);
  }
  return alignment;
}

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, const Metadata& metadata,
                       std::span<const TensorToCome> tensors)
    : file_(path), path_(path.string()), alignment_(alignment_for(metadata)) {
  HeaderBuilder header;
  header.add(gguf::kMagic);
  header.add(gguf::kNewestVersion);
  header.add(static_cast<uint64_t>(tensors.size()));
  header.add(static_cast<uint64_t>(metadata.entries().size()));
  for (const MetaEntry& entry : metadata.entries()) header.add_entry(entry);
  uint64_t offset = 0;
  std::unordered_set<std::string_view> names;
  for (const TensorToCome& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      fail(ErrorKind::kInvalidArgument, "cannot write {}: tensor {} is there twice", path_, printable(tensor.name));
    }
    header.add_string(tensor.name);
    header.add(static_cast<uint32_t>(tensor.shape.size()));
    for (const int64_t dimension : tensor.shape) header.add(dimension);
    header.add(static_cast<uint32_t>(tensor.type));
    header.add(offset);
    names_.push_back(tensor.name);
    bytes_.push_back(tensor_bytes(tensor.type, tensor.shape, tensor.name, path_, ErrorKind::kInvalidArgument));
    offset = align_up(offset + bytes_.back(), alignment_);
  }
  file_.write(header.bytes());
  pad();
}

void GgufWriter::append(std::span<const std::byte> data) {
  if (data.empty()) return;
  if (current_ == bytes_.size() || data.size() > bytes_[current_] - written_) {
    fail(ErrorKind::kInvalidArgument, "cannot write {}: more data than was announced{}", path_,
         current_ == bytes_.size() ? "" : " for tensor " + printable(names_[current_]));
  }
  file_.write(data);
  written_ += data.size();
  if (written_ == bytes_[current_]) start_next_tensor();
}

void GgufWriter::finish() {
  if (current_ != bytes_.size()) {
    fail(ErrorKind::kInvalidArgument, "cannot write {}: the data of tensor {} is incomplete", path_,
         printable(names_[current_]));
  }
  file_.commit();
}

void GgufWriter::start_next_tensor() {
  pad();
  ++current_;
  written_ = 0;
}

void GgufWriter::pad() {
  const std::vector<std::byte> zeros(align_up(file_.size(), alignment_) - file_.size());
  file_.write(zeros);
}

void write_gguf(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorToWrite> tensors) {
  std::vector<TensorToCome> announced;
  for (const TensorToWrite& tensor : tensors) {
    const uint64_t bytes =
        tensor_bytes(tensor.type, tensor.shape, tensor.name, path.string(), ErrorKind::kInvalidArgument);
    if (bytes != tensor.data.size()) {
      fail(ErrorKind::kInvalidArgument, "cannot write {}: tensor {} has {} bytes where its shape asks for {}",
           path.string(), printable(tensor.name), tensor.data.size(), bytes);
    }
    announced.push_back({tensor.name, tensor.type, tensor.shape});
  }
  GgufWriter writer(path, metadata, announced);
  for (const TensorToWrite& tensor : tensors) writer.append(tensor.data);
  writer.finish();
}

}  // namespace patina::io
