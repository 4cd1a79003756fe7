#include "train/data/row_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "train/data/text_lines.h"

namespace patina::train {
namespace {

using nlohmann::json;

enum class Shape { kPreference, kMessages, kConversations, kAlpaca, kCompletion, kText };

struct ShapeFields {
  Shape shape;
  std::array<std::string_view, 2> names;  // all that must be there
};

constexpr std::array<ShapeFields, 6> kShapes = {{{Shape::kPreference, {"chosen", "rejected"}},
                                                 {Shape::kMessages, {"messages"}},
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
      case Shape::kPreference:
        return preference();
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

  [[noreturn]] void refuse_equal_answers() const {
    refuse("\"chosen\" and \"rejected\" are the same, which teaches nothing; leave the row out");
  }

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

  // Texts after a prompt; or lists of turns, which are answers after a prompt or conversations that end with them.
  Row preference() const {
    const auto prompt = fields_.find("prompt");
    const bool has_prompt = prompt != fields_.end();
    if (!fields_["chosen"].is_array()) {
      if (!has_prompt) refuse("\"chosen\" and \"rejected\" are texts; add the \"prompt\" that they answer");
      Row row = question_row(filled("prompt"), filled("chosen"));
      row.rejected = filled("rejected");
      if (filled("chosen") == *row.rejected) refuse_equal_answers();
      return row;
    }
    std::vector<tokenizer::ChatMessage> before;
    if (has_prompt && prompt->is_array()) before = turns("prompt", "role", "content");
    if (has_prompt && prompt->is_string() && fields_["chosen"].size() == 1) before = {{"user", filled("prompt")}};
    const auto conversation = [&](const char* list) {
      std::vector<tokenizer::ChatMessage> all = before;
      std::ranges::move(turns(list, "role", "content"), std::back_inserter(all));
      if (all.size() < 2 || all.back().role != "assistant") {
        refuse(fmt::format("\"{}\" must end with an answer of the assistant, after a prompt", list));
      }
      return all;
    };
    Row row{.kind = RowKind::kChat, .turns = conversation("chosen")};
    std::vector<tokenizer::ChatMessage> rejected = conversation("rejected");
    row.rejected = std::move(rejected.back().content);
    rejected.pop_back();
    const bool same = rejected.size() + 1 == row.turns.size() &&
                      std::equal(rejected.begin(), rejected.end(), row.turns.begin(), [](const auto& a, const auto& b) {
                        return a.role == b.role && a.content == b.content;
                      });
    if (!same) refuse("\"chosen\" and \"rejected\" differ before the last answer; only that may differ");
    if (row.turns.back().content == *row.rejected) refuse_equal_answers();
    return row;
  }

  std::vector<tokenizer::ChatMessage> turns(const char* list, const char* role, const char* content) const {
    const json& given = fields_[list];
    if (!given.is_array()) refuse(fmt::format("\"{}\" is no list [...] of turns", list));
    std::vector<tokenizer::ChatMessage> turns;
    for (const json& turn : given) {
      if (!turn.is_object()) refuse(fmt::format("a turn in \"{}\" is no object {{...}}", list));
      turns.push_back({known_role(text_of(turn, role)), text_of(turn, content)});
      const bool answers = turns.back().role == "assistant";
      if (answers && trimmed(turns.back().content).empty()) {
        refuse("an answer of the assistant is empty; leave the row out");
      }
    }
    return turns;
  }

  Row conversation(const char* list, const char* role, const char* content) const {
    Row row{.kind = RowKind::kChat, .turns = turns(list, role, content)};
    if (std::ranges::find(row.turns, "assistant", &tokenizer::ChatMessage::role) == row.turns.end()) {
      refuse(fmt::format("\"{}\" has no turn of the assistant, so there is nothing to learn", list));
    }
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
  return "text; prompt and completion; instruction, input and output; messages; conversations; or prompt, chosen and "
         "rejected";
}

}  // namespace patina::train
