#include "server/json_fields.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "tokenizer/utf8.h"

namespace patina::server {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;

void require_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const tokenizer::Utf8Character character = tokenizer::first_character(text.substr(at));
    if (character.status != tokenizer::Utf8Status::kComplete) {
      fail(ErrorKind::kInvalidArgument, "the request body is not valid UTF-8 at byte {}", at);
    }
    at += character.length;
  }
}

// The library's sentence without its name and number: "parse error at line 1, column 2: syntax error ...".
std::string_view detail(const json::exception& error) {
  const std::string_view text = error.what();
  const size_t end = text.find("] ");
  return end == std::string_view::npos ? text : text.substr(end + 2);
}

}  // namespace

json parse_object(std::string_view body) {
  require_utf8(body);
  const json::parser_callback_t limit_depth = [](int depth, json::parse_event_t /*event*/, json& /*parsed*/) {
    if (depth > kMaxDepth) fail(ErrorKind::kInvalidArgument, "the request body is nested more than {} deep", kMaxDepth);
    return true;
  };
  json value;
  try {
    value = json::parse(body, limit_depth);
  } catch (const json::exception& error) {
    fail(ErrorKind::kInvalidArgument, "the request body is not valid JSON: {}", detail(error));
  }
  if (!value.is_object()) fail(ErrorKind::kInvalidArgument, "the request body must be a JSON object");
  return value;
}

Fields::Fields(const json& object, std::string path) : object_(&object), path_(std::move(path)) {}

const json* Fields::find(std::string_view name) const {
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

void Fields::refuse(std::string_view name, std::string_view wanted) const {
  fail(ErrorKind::kInvalidArgument, "\"{}{}\" must be {}", path_, name, wanted);
}

const json& Fields::required(std::string_view name, std::string_view wanted) const {
  const json* value = find(name);
  if (value == nullptr) fail(ErrorKind::kInvalidArgument, "\"{}{}\" is missing; it must be {}", path_, name, wanted);
  return *value;
}

std::string Fields::text(std::string_view name) const {
  const json& value = required(name, "a string");
  if (!value.is_string()) refuse(name, "a string");
  return value.get<std::string>();
}

bool Fields::boolean(std::string_view name, bool fallback) const {
  const json* value = find(name);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) refuse(name, "true or false");
  return value->get<bool>();
}

int64_t Fields::integer(std::string_view name, int64_t fallback, int64_t low, int64_t high) const {
  const json* value = find(name);
  if (value == nullptr) return fallback;
  const std::string wanted = fmt::format("a whole number from {} to {}", low, high);
  if (value->is_number_unsigned()) {
    const auto given = value->get<uint64_t>();
    if (given > static_cast<uint64_t>(INT64_MAX)) refuse(name, wanted);
  } else if (value->is_number_float()) {
    const auto given = value->get<double>();
    const bool whole = std::abs(given) <= 0x1p53 && given == std::floor(given);
    if (!whole) refuse(name, wanted);
  } else if (!value->is_number_integer()) {
    refuse(name, wanted);
  }
  const auto result = value->get<int64_t>();
  if (result < low || result > high) refuse(name, wanted);
  return result;
}

double Fields::number(std::string_view name, double fallback, double low, double high) const {
  const json* value = find(name);
  if (value == nullptr) return fallback;
  const double result = value->is_number() ? value->get<double>() : NAN;
  const bool fits = result >= low && result <= high;  // not so for NaN
  if (!fits) refuse(name, fmt::format("a number from {} to {}", low, high));
  return result;
}

std::vector<std::string> Fields::texts(std::string_view name, size_t most) const {
  const std::string wanted = fmt::format("a string or an array of at most {} strings", most);
  std::vector<std::string> result;
  const auto add = [&](const json& value) {
    if (!value.is_string()) refuse(name, wanted);
    if (!value.get_ref<const std::string&>().empty()) result.push_back(value.get<std::string>());
  };
  const json* value = find(name);
  if (value == nullptr) return result;
  if (!value->is_array()) {
    add(*value);
    return result;
  }
  if (value->size() > most) refuse(name, wanted);
  for (const json& element : *value) add(element);
  return result;
}

const json& Fields::array(std::string_view name, size_t most) const {
  const std::string wanted = fmt::format("an array of at most {} elements", most);
  const json& value = required(name, wanted);
  if (!value.is_array() || value.size() > most) refuse(name, wanted);
  return value;
}

Fields Fields::object(std::string_view name) const {
  static const json empty = json::object();
  const json* value = find(name);
  if (value != nullptr && !value->is_object()) refuse(name, "an object");
  return Fields(value == nullptr ? empty : *value, fmt::format("{}{}.", path_, name));
}

}  // namespace patina::server
