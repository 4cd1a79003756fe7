#include "apps/data_sample.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/utf8.h"

namespace patina::apps {

namespace {

struct Marks {
  std::string_view begin;
  std::string_view end;
};

constexpr Marks kColour = {"\033[32m", "\033[0m"};
constexpr Marks kBrackets = {"⟦", "⟧"};

struct Part {
  std::string text;
  bool learned;
};

// The example's text, cut where learning begins or ends.
std::vector<Part> parts_of(const tokenizer::Tokenizer& tokenizer, const train::Example& example) {
  std::vector<Part> parts;
  const auto append = [&](size_t begin, size_t end, bool learned) {
    if (begin == end) return;
    parts.push_back({{}, learned});
    for (size_t i = begin; i < end; ++i) parts.back().text += tokenizer.piece(example.tokens[i], true);
  };
  size_t done = 0;
  for (const train::TokenRange& range : example.loss) {
    append(done, range.begin, false);
    append(range.begin, range.end, true);
    done = range.end;
  }
  append(done, example.tokens.size(), false);
  return parts;
}

std::vector<Part> parts_of(const train::Row& row) {
  std::vector<Part> parts;
  for (const tokenizer::ChatMessage& turn : row.turns) {
    if (row.kind != train::RowKind::kText) parts.push_back({turn.role + ": ", false});
    parts.push_back({turn.content, turn.role == "assistant"});
    parts.push_back({"\n", false});
  }
  return parts;
}

// The first and last characters of a long text. Control characters but line ends and tabs are left out, so that no text
// can change the terminal.
std::string shortened(const std::string& text) {
  constexpr size_t kMost = 300;
  std::string valid = tokenizer::make_valid(text).text;
  std::erase_if(valid,
                [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == 0x7F; });
  if (valid.size() <= kMost) return valid;
  const auto is_inside = [&](size_t at) { return (static_cast<unsigned char>(valid[at]) & 0xC0) == 0x80; };
  size_t head = kMost / 2;
  while (is_inside(head)) --head;
  size_t tail = valid.size() - kMost / 2;
  while (is_inside(tail)) ++tail;
  return fmt::format("{} … {}", valid.substr(0, head), valid.substr(tail));
}

}  // namespace

void print_samples(const train::RowSource& source, const train::RowList& rows, const tokenizer::Tokenizer* tokenizer,
                   const train::ExampleMaker* maker, bool colour) {
  const Marks marks = colour ? kColour : kBrackets;
  for (const size_t index : std::set<size_t>{0, rows.size() / 2, rows.size() - 1}) {
    const train::Row row = source.read(rows[index]);
    fmt::print("\n{} (learned: {}so{}):\n", source.place(rows[index]), marks.begin, marks.end);
    for (const Part& part : maker != nullptr ? parts_of(*tokenizer, maker->make(row)) : parts_of(row)) {
      const std::string text = shortened(part.text);
      if (part.learned) {
        fmt::print("{}{}{}", marks.begin, text, marks.end);
      } else {
        fmt::print("{}", text);
      }
    }
    fmt::print("\n");
  }
}

}  // namespace patina::apps
