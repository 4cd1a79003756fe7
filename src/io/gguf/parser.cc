#include "io/gguf/parser.h"

#include <bit>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "io/byte_reader.h"
#include "io/gguf/format.h"
#include "io/printable.h"
#include "io/tensor_layout.h"

namespace patina::io {

namespace {

using gguf::kMaxArrayElements;

// A tensor's entry in the header. Where its data lies is known only after the whole header.
struct TensorEntry {
  TensorInfo info;
  uint64_t offset;  // from the start of the data section
  uint64_t bytes;
};

class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, std::string_view source) : bytes_(bytes), reader_(bytes, source) {}

  ParsedFile parse() {
    check_version();
    const auto tensor_count = reader_.read<uint64_t>("the number of tensors");
    const auto entry_count = reader_.read<uint64_t>("the number of metadata entries");
    check_count(tensor_count, kMinTensorEntryBytes, "tensors");
    check_count(entry_count, kMinMetaEntryBytes, "metadata entries");
    for (uint64_t i = 0; i < entry_count; ++i) read_entry();
    alignment_ = read_alignment();
    for (uint64_t i = 0; i < tensor_count; ++i) entries_.push_back(read_tensor_entry());
    place_tensors();
    check_distinct(contents_.tensors, reader_.source());
    return std::move(contents_);
  }

 private:
  // The least that an entry takes in the file: lengths and numbers, with an empty name.
  static constexpr uint64_t kMinTensorEntryBytes = 8 + 4 + 8 + 4 + 8;
  static constexpr uint64_t kMinMetaEntryBytes = 8 + 4 + 1;

  [[noreturn]] void corrupt(std::string_view what) const {
    fail(ErrorKind::kInvalidData, "{} is corrupt: {} (at byte {})", reader_.source(), what, reader_.offset());
  }

  void check_count(uint64_t count, uint64_t least_bytes, std::string_view what) const {
    if (count > reader_.remaining() / least_bytes) {
      fail(ErrorKind::kInvalidData, "{} is truncated or corrupt: it announces {} {}, more than it has room for",
           reader_.source(), count, what);
    }
  }

  void check_version() {
    if (reader_.read<uint32_t>("the magic") != gguf::kMagic) {
      fail(ErrorKind::kInvalidData, "{} is no GGUF file", reader_.source());
    }
    const auto version = reader_.read<uint32_t>("the version");
    if (version >= gguf::kOldestVersion && version <= gguf::kNewestVersion) return;
    if (version != 0 && (version & 0xFFFFU) == 0) {
      fail(ErrorKind::kUnsupported,
           "{} is a big-endian GGUF file; convert it with gguf-convert-endian of the Python package gguf",
           reader_.source());
    }
    fail(ErrorKind::kUnsupported, "{} is GGUF version {}; versions {} and {} are supported: {}", reader_.source(),
         version, gguf::kOldestVersion, gguf::kNewestVersion,
         version < gguf::kOldestVersion ? "convert the model again or download a newer file"
                                        : "a newer version of this program is needed");
  }

  std::string read_string(std::string_view what) {
    const auto size = reader_.read<uint64_t>(what);
    return reader_.take_string(size, what);
  }

  MetaType read_type() {
    const auto id = reader_.read<uint32_t>("a metadata type");
    if (id > static_cast<uint32_t>(MetaType::kF64)) corrupt(fmt::format("{} is no type of metadata", id));
    return static_cast<MetaType>(id);
  }

  bool read_bool() {
    const auto value = reader_.read<uint8_t>("a metadata value");
    if (value > 1) corrupt(fmt::format("{} is neither true nor false", value));
    return value == 1;
  }

  // One value of a type that is no array, widened to the T that MetaValue has for it.
  template <typename T>
  T read_scalar(MetaType type) {
    constexpr std::string_view kWhat = "a metadata value";
    if constexpr (std::is_same_v<T, bool>) {
      return read_bool();
    } else if constexpr (std::is_same_v<T, std::string>) {
      return read_string(kWhat);
    } else {
      switch (type) {
        case MetaType::kU8:
          return static_cast<T>(reader_.read<uint8_t>(kWhat));
        case MetaType::kI8:
          return static_cast<T>(reader_.read<int8_t>(kWhat));
        case MetaType::kU16:
          return static_cast<T>(reader_.read<uint16_t>(kWhat));
        case MetaType::kI16:
          return static_cast<T>(reader_.read<int16_t>(kWhat));
        case MetaType::kU32:
          return static_cast<T>(reader_.read<uint32_t>(kWhat));
        case MetaType::kI32:
          return static_cast<T>(reader_.read<int32_t>(kWhat));
        case MetaType::kU64:
          return static_cast<T>(reader_.read<uint64_t>(kWhat));
        case MetaType::kI64:
          return static_cast<T>(reader_.read<int64_t>(kWhat));
        case MetaType::kF32:
          return static_cast<T>(reader_.read<float>(kWhat));
        default:
          return static_cast<T>(reader_.read<double>(kWhat));
      }
    }
  }

  // Calls `visit` with a T{} of the widened type for `type`.
  template <typename Visitor>
  static auto with_widened(MetaType type, Visitor visit) {
    switch (type) {
      case MetaType::kBool:
        return visit(bool{});
      case MetaType::kString:
        return visit(std::string{});
      case MetaType::kF32:
      case MetaType::kF64:
        return visit(double{});
      case MetaType::kI8:
      case MetaType::kI16:
      case MetaType::kI32:
      case MetaType::kI64:
        return visit(int64_t{});
      default:
        return visit(uint64_t{});
    }
  }

  static uint64_t least_bytes(MetaType type) {
    switch (type) {
      case MetaType::kU8:
      case MetaType::kI8:
      case MetaType::kBool:
        return 1;
      case MetaType::kU16:
      case MetaType::kI16:
        return 2;
      case MetaType::kU32:
      case MetaType::kI32:
      case MetaType::kF32:
        return 4;
      default:
        return 8;
    }
  }

  MetaArray read_array(MetaType type) {
    const auto count = reader_.read<uint64_t>("the length of a list");
    check_count(count, least_bytes(type), "elements of a list");
    if (count > kMaxArrayElements - array_elements_) {
      fail(ErrorKind::kUnsupported, "{} has more than {} list elements in its metadata; such files are refused",
           reader_.source(), kMaxArrayElements);
    }
    array_elements_ += count;
    return with_widened(type, [&]<typename T>(const T&) -> MetaArray {
      std::vector<T> elements;
      elements.reserve(count);
      for (uint64_t i = 0; i < count; ++i) elements.push_back(read_scalar<T>(type));
      return elements;
    });
  }

  void read_entry() {
    const auto key_bytes = reader_.read<uint64_t>("the length of a metadata key");
    if (key_bytes > gguf::kMaxKeyBytes) corrupt(fmt::format("a metadata key of {} bytes is not possible", key_bytes));
    std::string key = reader_.take_string(key_bytes, "a metadata key");
    if (contents_.metadata.has(key)) corrupt(fmt::format("metadata key {} is there twice", printable(key)));
    MetaType type = read_type();
    if (type == MetaType::kArray) {
      type = read_type();
      if (type == MetaType::kArray) {
        fail(ErrorKind::kUnsupported, "{} has a list of lists under {}, which is not supported", reader_.source(),
             printable(key));
      }
      MetaArray array = read_array(type);
      contents_.metadata.set(std::move(key), std::move(array), type);
    } else {
      MetaValue value = with_widened(type, [&]<typename T>(const T&) -> MetaValue { return read_scalar<T>(type); });
      contents_.metadata.set(std::move(key), std::move(value), type);
    }
  }

  uint64_t read_alignment() const {
    const uint64_t alignment = contents_.metadata.get_uint(gguf::kAlignmentKey, gguf::kDefaultAlignment);
    if (!std::has_single_bit(alignment) || alignment < gguf::kMinAlignment || alignment > gguf::kMaxAlignment) {
      corrupt(fmt::format("an alignment of {} is not possible", alignment));
    }
    return alignment;
  }

  TensorEntry read_tensor_entry() {
    TensorEntry entry = {};
    const auto name_bytes = reader_.read<uint64_t>("the length of a tensor name");
    if (name_bytes > gguf::kMaxKeyBytes) corrupt(fmt::format("a tensor name of {} bytes is not possible", name_bytes));
    TensorInfo& info = entry.info;
    info.name = reader_.take_string(name_bytes, "a tensor name");
    const auto dimensions = reader_.read<uint32_t>("the number of dimensions");
    if (dimensions > kMaxDimensions) {
      corrupt(fmt::format("tensor {} has {} dimensions; at most {} are possible", printable(info.name), dimensions,
                          kMaxDimensions));
    }
    for (uint32_t i = 0; i < dimensions; ++i) {
      // As signed: what is too large becomes negative, and tensor_bytes refuses it.
      info.shape.push_back(static_cast<int64_t>(reader_.read<uint64_t>("a dimension")));
    }
    info.type = require_dtype(reader_.read<uint32_t>("a tensor type"), info.name, reader_.source());
    entry.offset = reader_.read<uint64_t>("a tensor offset");
    if (entry.offset % alignment_ != 0) corrupt(fmt::format("tensor {} is not aligned", printable(info.name)));
    entry.bytes = tensor_bytes(info.type, info.shape, info.name, reader_.source());
    return entry;
  }

  void place_tensors() {
    const uint64_t start = align_up(reader_.offset(), alignment_);
    const uint64_t available = bytes_.size() > start ? bytes_.size() - start : 0;
    for (TensorEntry& entry : entries_) {
      if (entry.bytes > available || entry.offset > available - entry.bytes) {
        fail(ErrorKind::kInvalidData,
             "{} is truncated or corrupt: the data of tensor {} lies beyond its end; download it again",
             reader_.source(), printable(entry.info.name));
      }
      entry.info.data = bytes_.subspan(start + entry.offset, entry.bytes);
      contents_.tensors.push_back(std::move(entry.info));
    }
  }

  std::span<const std::byte> bytes_;
  ByteReader reader_;
  ParsedFile contents_;
  std::vector<TensorEntry> entries_;
  uint64_t alignment_ = gguf::kDefaultAlignment;
  uint64_t array_elements_ = 0;
};

}  // namespace

ParsedFile parse_gguf(std::span<const std::byte> bytes, std::string_view source) {
  return GgufParser(bytes, source).parse();
}

}  // namespace patina::io
