#include "train/data/row_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "train/data/text_lines.h"

namespace patina::train {
namespace {

using nlohmann::json;

enum class Shape { kMessages, kConversations, kAlpaca, kCompletion, kText };

struct ShapeFields {
  Shape shape;
  std::array<std::string_view, 2> names;  // all that must be there
};

constexpr std::array<ShapeFields, 5> kShapes = {{{Shape::kMessages, {"messages"}},
                                                 {Shape::kConversations, {"conversations"}},
                                                 {Shape::kAlpaca, {"instruction", "output"}},
                                                 {Shape::kCompletion, {"prompt", "completion"}},
                                                 {Shape::kText, {"text"}}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kRoles = {{{"system", "system"},
                                                                                  {"user", "user"},
                                                                                  {"human", "user"},
                                                                                  {"assistant", "assistant"},
                                                                                  {"gpt", "assistant"},
                                                                                  {"model", "assistant"},
                                                                                  {"bot", "assistant"},
                                                                                  {"chatgpt", "assistant"}}};

// `has` tells whether a field is there.
template <typename Has>
const ShapeFields* shape_of(const Has& has) {
  for (const ShapeFields& one : kShapes) {
    if (std::ranges::all_of(one.names, [&](std::string_view name) { return name.empty() || has(name); })) return &one;
  }
  return nullptr;
}

std::string shown(std::vector<std::string> names) {
  constexpr size_t kMost = 8;
  if (names.size() > kMost) {
    names.resize(kMost);
    names.emplace_back("...");
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

class FieldReader {
 public:
  FieldReader(const json& fields, size_t offset) : fields_(fields), offset_(offset) {}

  Row row() const {
    if (!fields_.is_object()) refuse(fmt::format("a row is an object {{...}} with {}", row_fields_advice()));
    const ShapeFields* shape = shape_of([&](std::string_view name) { return fields_.contains(name); });
    if (shape == nullptr) {
      std::vector<std::string> names;
      for (const auto& [name, value] : fields_.items()) names.push_back(name);
      refuse(fmt::format("no fields that patina knows (there are: {}); name them {}", shown(std::move(names)),
                         row_fields_advice()));
    }
    switch (shape->shape) {
      case Shape::kMessages:
        return conversation("messages", "role", "content");
      case Shape::kConversations:
        return conversation("conversations", "from", "value");
      case Shape::kAlpaca:
        return question_row(joined_prompt(filled("instruction"), input()), filled("output"));
      case Shape::kCompletion:
        return question_row(filled("prompt"), filled("completion"));
      case Shape::kText:
        break;
    }
    return text_row(filled("text"));
  }

 private:
  [[noreturn]] void refuse(const std::string& sentence) const { throw RowError(offset_, sentence); }

  const std::string& text_of(const json& object, const char* name) const {
    const auto field = object.find(name);
    if (field == object.end()) refuse(fmt::format("a turn has no \"{}\"; each needs one", name));
    if (!field->is_string()) refuse(fmt::format("\"{}\" is no text; write it in quotes", name));
    return field->get_ref<const std::string&>();
  }

  std::string filled(const char* name) const {
    const std::string_view text = trimmed(text_of(fields_, name));
    if (text.empty()) refuse(fmt::format("\"{}\" is empty; write its text or leave the row out", name));
    return std::string(text);
  }

  std::string input() const {
    if (!fields_.contains("input") || fields_["input"].is_null()) return {};
    return std::string(trimmed(text_of(fields_, "input")));
  }

  Row conversation(const char* list, const char* role, const char* content) const {
    const json& turns = fields_[list];
    if (!turns.is_array()) refuse(fmt::format("\"{}\" is no list [...] of turns", list));
    Row row{.kind = RowKind::kChat, .turns = {}};
    bool answers = false;
    for (const json& turn : turns) {
      if (!turn.is_object()) refuse(fmt::format("a turn in \"{}\" is no object {{...}}", list));
      row.turns.push_back({known_role(text_of(turn, role)), text_of(turn, content)});
      if (row.turns.back().role != "assistant") continue;
      answers = true;
      if (trimmed(row.turns.back().content).empty()) refuse("an answer of the assistant is empty; leave the row out");
    }
    if (!answers) refuse(fmt::format("\"{}\" has no turn of the assistant, so there is nothing to learn", list));
    return row;
  }

  std::string known_role(const std::string& name) const {
    for (const auto& [known, role] : kRoles) {
      if (name == known) return std::string(role);
    }
    refuse(fmt::format("the role \"{}\" is unknown; it must be system, user or assistant", name));
  }

  const json& fields_;
  size_t offset_;
};

}  // namespace

Row row_from_fields(const json& fields, size_t offset) { return FieldReader(fields, offset).row(); }

bool are_row_fields(std::span<const std::string> names) {
  return shape_of([&](std::string_view name) { return std::ranges::find(names, name) != names.end(); }) != nullptr;
}

std::string_view row_fields_advice() {
  return "text; prompt and completion; instruction, input and output; messages; or conversations";
}

}  // namespace patina::train
