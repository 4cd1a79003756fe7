#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace patina::server {

// The body of a request as a JSON object. Throws kInvalidArgument, saying where, for what is not UTF-8, not JSON, not
// an object, or nested more than 64 deep.
nlohmann::json parse_object(std::string_view body);

// Typed access to the members of a JSON object, which must outlive it. A member that is absent or null has its default;
// members that nobody asks for are ignored. Everything throws kInvalidArgument, naming the field, for a value of
// another type or outside the range (both ends belong to it).
class Fields {
 public:
  // `path` is put before the names in messages: "messages[2]."
  explicit Fields(const nlohmann::json& object, std::string path = "");

  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::string text(std::string_view name) const;  // required
  bool boolean(std::string_view name, bool fallback) const;
  // A number with a fraction of zero is an integer.
  int64_t integer(std::string_view name, int64_t fallback, int64_t low, int64_t high) const;
  double number(std::string_view name, double fallback, double low, double high) const;
  // A string or an array of at most `most` strings; empty strings are left out.
  std::vector<std::string> texts(std::string_view name, size_t most) const;
  // Required; of at most `most` values of any kind.
  const nlohmann::json& array(std::string_view name, size_t most) const;
  // The member as an object; empty fields if there is none.
  Fields object(std::string_view name) const;
  // The value as it is, or nullptr.
  const nlohmann::json* find(std::string_view name) const;

  [[noreturn]] void refuse(std::string_view name, std::string_view wanted) const;

 private:
  const nlohmann::json& required(std::string_view name, std::string_view wanted) const;

  const nlohmann::json* object_;
  std::string path_;
};

}  // namespace patina::server
