#include "train/data/block_rows.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/data/text_lines.h"

namespace patina::train {
namespace {

constexpr std::string_view kSign = "###";
constexpr std::string_view kFullWidthColon = "\uFF1A";

enum class Section { kNone, kInstruction, kInput, kResponse };

struct Marker {
  Section section;
  std::string_view rest;  // of the line, behind the colon
};

bool takes_word(std::string_view& text, std::string_view lower_case_word) {
  if (text.size() < lower_case_word.size()) return false;
  for (size_t i = 0; i < lower_case_word.size(); ++i) {
    if ((text[i] | 0x20) != lower_case_word[i]) return false;
  }
  text.remove_prefix(lower_case_word.size());
  return true;
}

std::optional<Marker> marker_of(std::string_view line) {
  constexpr std::array<std::pair<std::string_view, Section>, 3> kWords = {
      {{"instruction", Section::kInstruction}, {"input", Section::kInput}, {"response", Section::kResponse}}};
  line.remove_prefix(indentation(line).size());
  if (!line.starts_with(kSign)) return std::nullopt;
  line.remove_prefix(kSign.size());
  line.remove_prefix(indentation(line).size());
  for (const auto& [word, section] : kWords) {
    std::string_view rest = line;
    if (!takes_word(rest, word)) continue;
    rest.remove_prefix(indentation(rest).size());
    for (const std::string_view colon : {std::string_view(":"), kFullWidthColon}) {
      if (rest.starts_with(colon)) return Marker{section, rest.substr(colon.size())};
    }
  }
  return std::nullopt;
}

bool begins_instruction(std::string_view line) {
  const std::optional<Marker> marker = marker_of(line);
  return marker && marker->section == Section::kInstruction;
}

std::vector<Line> lines_of(std::string_view text, TextSpan row) {
  std::vector<Line> lines;
  for (size_t at = row.begin; at < row.end; at = lines.back().next) {
    lines.push_back(line_at(text.substr(0, row.end), at));
  }
  return lines;
}

void remove_common_indentation(std::vector<Line>& lines) {
  std::optional<std::string_view> common;
  for (const Line& line : lines) {
    if (is_blank(line.text)) continue;
    const std::string_view own = indentation(line.text);
    if (!common) common = own;
    const auto [end, other] = std::mismatch(common->begin(), common->end(), own.begin(), own.end());
    common = common->substr(0, static_cast<size_t>(end - common->begin()));
  }
  if (!common) return;
  for (Line& line : lines) line.text.remove_prefix(std::min(common->size(), line.text.size()));
}

// Takes the lines of one row.
class BlockParser {
 public:
  void take(const Line& line) {
    if (const std::optional<Marker> marker = marker_of(line.text)) {
      begin(marker->section, line.begin);
      append(marker->rest);
    } else if (section_ != Section::kNone) {
      append(line.text);
    } else if (!is_blank(line.text)) {
      throw RowError(line.begin, "text before the first \"### Instruction:\"; put the marker above it");
    }
  }

  Row finish() const {
    if (section_ != Section::kResponse) {
      throw RowError(begin_, "this instruction has no \"### Response:\"; add one below it");
    }
    check_text();
    return question_row(joined_prompt(trimmed(instruction_), trimmed(input_)), std::string(trimmed(response_)));
  }

 private:
  void begin(Section next, size_t offset) {
    const bool asks = section_ == Section::kInstruction || section_ == Section::kInput;
    if (next == Section::kResponse && !asks) {
      throw RowError(offset, "a response without an instruction; put \"### Instruction:\" and its text above");
    }
    if (next == Section::kInput && section_ != Section::kInstruction) {
      throw RowError(offset, "an input that does not follow an instruction; the order is Instruction, Input, Response");
    }
    check_text();
    if (next == Section::kInstruction) begin_ = offset;
    section_ = next;
    section_begin_ = offset;
  }

  void check_text() const {
    if (section_ == Section::kInstruction && trimmed(instruction_).empty()) {
      throw RowError(section_begin_, "the instruction is empty; write its text below the marker");
    }
    if (section_ == Section::kResponse && trimmed(response_).empty()) {
      throw RowError(section_begin_, "the response is empty; write its text below the marker");
    }
  }

  void append(std::string_view text) {
    std::string& target = section_ == Section::kInstruction ? instruction_
                          : section_ == Section::kInput     ? input_
                                                            : response_;
    target.append(text).append("\n");
  }

  Section section_ = Section::kNone;
  size_t begin_ = 0;
  size_t section_begin_ = 0;
  std::string instruction_;
  std::string input_;
  std::string response_;
};

}  // namespace

bool BlockRows::recognises(std::string_view text) {
  constexpr size_t kSample = size_t{1} << 20;  // so that not all of a large file is read for it
  text = text.substr(0, kSample);
  size_t sign = text.find(kSign);
  while (sign != std::string_view::npos) {
    const size_t before = text.find_last_of("\r\n", sign);
    const size_t begin = before == std::string_view::npos ? 0 : before + 1;
    if (marker_of(line_at(text, begin).text)) return true;
    sign = text.find(kSign, sign + 1);
  }
  return false;
}

std::optional<TextSpan> BlockRows::find(size_t from) const {
  const size_t begin = skip_blank_lines(text_, from);
  if (begin == text_.size()) return std::nullopt;
  size_t end = line_at(text_, begin).next;
  while (end < text_.size()) {
    const Line line = line_at(text_, end);
    if (begins_instruction(line.text)) break;
    end = line.next;
  }
  return TextSpan{begin, end};
}

Row BlockRows::parse(TextSpan row) const {
  std::vector<Line> lines = lines_of(text_, row);
  remove_common_indentation(lines);
  BlockParser parser;
  for (const Line& line : lines) parser.take(line);
  return parser.finish();
}

}  // namespace patina::train
