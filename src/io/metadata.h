#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace patina::io {

// One metadata value. Integers of every width are widened to 64 bits, floats to double; `MetaArray` holds one element
// type throughout.
using MetaArray = std::variant<std::vector<bool>, std::vector<int64_t>, std::vector<uint64_t>, std::vector<double>,
                               std::vector<std::string>>;
using MetaValue = std::variant<bool, int64_t, uint64_t, double, std::string, MetaArray>;

// How a value is stored in a file. The numbers are those of GGUF's `gguf_metadata_value_type` (ggml docs/gguf.md).
enum class MetaType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

struct MetaEntry {
  std::string key;
  MetaValue value;
  MetaType type;  // of the value, or of the elements when the value is an array (never kArray)
};

// The key-value part of a file, by GGUF key ("llama.embedding_length"). A copy written to another file keeps the
// order and the stored type of every entry.
class Metadata {
 public:
  bool has(std::string_view key) const;
  const MetaValue* find(std::string_view key) const;

  // Adds an entry at the end, or replaces the one of that key in its place. Without `type` integers are stored as
  // u32/i32 where they (all) fit, else as u64/i64, and doubles as f32. Throws kInvalidArgument when the value does not
  // fit the type.
  void set(std::string key, MetaValue value, std::optional<MetaType> type = std::nullopt);
  // Does nothing when the key is missing.
  void erase(std::string_view key);

  // Typed look-ups: integers convert between each other when the value fits, integers to floats always. Throw
  // kInvalidData, naming the key, when it is missing or of another type; with a fallback only the type is an error.
  uint64_t get_uint(std::string_view key) const;
  uint64_t get_uint(std::string_view key, uint64_t fallback) const;
  double get_float(std::string_view key) const;
  double get_float(std::string_view key, double fallback) const;
  bool get_bool(std::string_view key, bool fallback) const;
  std::string get_string(std::string_view key) const;
  std::string get_string(std::string_view key, std::string_view fallback) const;
  // Empty pointer when the key is missing; kInvalidData when it is not such an array.
  const std::vector<std::string>* find_strings(std::string_view key) const;
  std::vector<double> get_floats(std::string_view key) const;  // empty when missing
  std::vector<int64_t> get_ints(std::string_view key) const;   // empty when missing

  // In the file's order.
  std::span<const MetaEntry> entries() const { return entries_; }

 private:
  std::vector<MetaEntry> entries_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace patina::io
