#include "io/metadata.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace patina::io {

namespace {

template <typename To, typename From>
bool fits(From value) {
  return std::in_range<To>(value);
}

template <typename T>
bool integer_fits(MetaType type, T value) {
  switch (type) {
    case MetaType::kU8:
      return fits<uint8_t>(value);
    case MetaType::kI8:
      return fits<int8_t>(value);
    case MetaType::kU16:
      return fits<uint16_t>(value);
    case MetaType::kI16:
      return fits<int16_t>(value);
    case MetaType::kU32:
      return fits<uint32_t>(value);
    case MetaType::kI32:
      return fits<int32_t>(value);
    case MetaType::kU64:
      return fits<uint64_t>(value);
    case MetaType::kI64:
      return fits<int64_t>(value);
    default:
      return false;
  }
}

// Whether `value` can be stored as `type` without loss of kind or range.
struct FitsType {
  MetaType type;

  bool operator()(bool) const { return type == MetaType::kBool; }
  bool operator()(int64_t value) const { return integer_fits(type, value); }
  bool operator()(uint64_t value) const { return integer_fits(type, value); }
  bool operator()(double) const { return type == MetaType::kF32 || type == MetaType::kF64; }
  bool operator()(const std::string&) const { return type == MetaType::kString; }
  bool operator()(const MetaArray& array) const { return std::visit(*this, array); }
  template <typename T>
  bool operator()(const std::vector<T>& elements) const {
    if (elements.empty()) return (*this)(T{});
    return std::ranges::all_of(elements, [this](const auto& element) { return (*this)(T(element)); });
  }
};

// The narrowest of the types that set() promises.
MetaType default_type(const MetaValue& value) {
  constexpr MetaType kCandidates[] = {MetaType::kBool, MetaType::kString, MetaType::kF32, MetaType::kU32,
                                      MetaType::kI32,  MetaType::kU64,    MetaType::kI64};
  const bool is_signed = std::holds_alternative<int64_t>(value) ||
                         (std::holds_alternative<MetaArray>(value) &&
                          std::holds_alternative<std::vector<int64_t>>(std::get<MetaArray>(value)));
  for (const MetaType type : kCandidates) {
    const bool is_unsigned_type = type == MetaType::kU32 || type == MetaType::kU64;
    if (is_signed && is_unsigned_type) continue;
    if (std::visit(FitsType{type}, value)) return type;
  }
  return MetaType::kI64;
}

const MetaValue& require(const Metadata& metadata, std::string_view key) {
  const MetaValue* value = metadata.find(key);
  if (value == nullptr) fail(ErrorKind::kInvalidData, "the file's metadata lacks {}", key);
  return *value;
}

[[noreturn]] void fail_type(std::string_view key, std::string_view expected) {
  fail(ErrorKind::kInvalidData, "the file's metadata holds something else than {} under {}", expected, key);
}

uint64_t to_uint(const MetaValue& value, std::string_view key) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return *number;
  if (const auto* number = std::get_if<int64_t>(&value); number != nullptr && *number >= 0) {
    return static_cast<uint64_t>(*number);
  }
  fail_type(key, "a whole number that is not negative");
}

double to_float(const MetaValue& value, std::string_view key) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* number = std::get_if<uint64_t>(&value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return static_cast<double>(*number);
  fail_type(key, "a number");
}

std::string to_string(const MetaValue& value, std::string_view key) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  fail_type(key, "a text");
}

const MetaArray* find_array(const Metadata& metadata, std::string_view key, std::string_view expected) {
  const MetaValue* value = metadata.find(key);
  if (value == nullptr) return nullptr;
  const auto* array = std::get_if<MetaArray>(value);
  if (array == nullptr) fail_type(key, expected);
  return array;
}

// The array of numbers under `key` as T; empty when missing.
template <typename T>
std::vector<T> get_numbers(const Metadata& metadata, std::string_view key, std::string_view expected) {
  const MetaArray* array = find_array(metadata, key, expected);
  if (array == nullptr) return {};
  return std::visit(
      [&](const auto& elements) -> std::vector<T> {
        using Element = typename std::decay_t<decltype(elements)>::value_type;
        constexpr bool kInteger = std::is_same_v<Element, int64_t> || std::is_same_v<Element, uint64_t>;
        if constexpr (std::is_same_v<Element, T>) return elements;
        std::vector<T> numbers;
        if constexpr (kInteger) {
          numbers.reserve(elements.size());
          for (const Element element : elements) {
            if constexpr (std::is_integral_v<T>) {
              if (!fits<T>(element)) fail_type(key, expected);
            }
            numbers.push_back(static_cast<T>(element));
          }
        } else {
          fail_type(key, expected);
        }
        return numbers;
      },
      *array);
}

}  // namespace

bool Metadata::has(std::string_view key) const { return index_.contains(key); }

const MetaValue* Metadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second].value;
}

void Metadata::set(std::string key, MetaValue value, std::optional<MetaType> type) {
  const MetaType stored = type.has_value() ? *type : default_type(value);
  if (type.has_value() && !std::visit(FitsType{stored}, value)) {
    fail(ErrorKind::kInvalidArgument, "the value for {} does not fit its type (GGUF type {})", key,
         static_cast<uint32_t>(stored));
  }
  const auto [position, added] = index_.try_emplace(key, entries_.size());
  if (added) {
    entries_.push_back({std::move(key), std::move(value), stored});
  } else {
    MetaEntry& entry = entries_[position->second];
    entry.value = std::move(value);
    entry.type = stored;
  }
}

void Metadata::erase(std::string_view key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  const size_t position = found->second;
  index_.erase(found);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(position));
  for (auto& [name, index] : index_) {
    if (index > position) --index;
  }
}

uint64_t Metadata::get_uint(std::string_view key) const { return to_uint(require(*this, key), key); }

uint64_t Metadata::get_uint(std::string_view key, uint64_t fallback) const {
  const MetaValue* value = find(key);
  return value == nullptr ? fallback : to_uint(*value, key);
}

double Metadata::get_float(std::string_view key) const { return to_float(require(*this, key), key); }

double Metadata::get_float(std::string_view key, double fallback) const {
  const MetaValue* value = find(key);
  return value == nullptr ? fallback : to_float(*value, key);
}

bool Metadata::get_bool(std::string_view key, bool fallback) const {
  const MetaValue* value = find(key);
  if (value == nullptr) return fallback;
  if (const auto* flag = std::get_if<bool>(value)) return *flag;
  fail_type(key, "true or false");
}

std::string Metadata::get_string(std::string_view key) const { return to_string(require(*this, key), key); }

std::string Metadata::get_string(std::string_view key, std::string_view fallback) const {
  const MetaValue* value = find(key);
  return value == nullptr ? std::string(fallback) : to_string(*value, key);
}

const std::vector<std::string>* Metadata::find_strings(std::string_view key) const {
  constexpr std::string_view kExpected = "a list of texts";
  const MetaArray* array = find_array(*this, key, kExpected);
  if (array == nullptr) return nullptr;
  const auto* strings = std::get_if<std::vector<std::string>>(array);
  if (strings == nullptr) fail_type(key, kExpected);
  return strings;
}

std::vector<double> Metadata::get_floats(std::string_view key) const {
  return get_numbers<double>(*this, key, "a list of numbers");
}

std::vector<int64_t> Metadata::get_ints(std::string_view key) const {
  return get_numbers<int64_t>(*this, key, "a list of whole numbers");
}

}  // namespace patina::io
