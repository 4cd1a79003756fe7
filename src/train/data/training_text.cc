#include "train/data/training_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "platform/mapped_file.h"

namespace patina::train {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
constexpr std::string_view kIdeographicSpace = "\u3000";  // Chinese text is indented with it
constexpr std::string_view kFullWidthColon = "\uFF1A";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

std::string_view indentation(std::string_view line) {
  size_t end = 0;
  while (end < line.size()) {
    if (line[end] == ' ' || line[end] == '\t') {
      ++end;
    } else if (line.substr(end).starts_with(kIdeographicSpace)) {
      end += kIdeographicSpace.size();
    } else {
      break;
    }
  }
  return line.substr(0, end);
}

bool is_blank(std::string_view line) { return trimmed(line.substr(indentation(line).size())).empty(); }

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void remove_common_indentation(std::vector<std::string_view>& lines) {
  std::optional<std::string_view> common;
  for (const std::string_view line : lines) {
    if (is_blank(line)) continue;
    const std::string_view own = indentation(line);
    if (!common) common = own;
    const auto [end, other] = std::mismatch(common->begin(), common->end(), own.begin(), own.end());
    common = common->substr(0, static_cast<size_t>(end - common->begin()));
  }
  if (!common) return;
  for (std::string_view& line : lines) line.remove_prefix(std::min(common->size(), line.size()));
}

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
  constexpr std::string_view kSign = "###";
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

// Reads lines of blocks, one after the other, into rows.
class BlockParser {
 public:
  explicit BlockParser(std::string_view source) : source_(source) {}

  void line(size_t number, std::string_view text) {
    const std::optional<Marker> marker = marker_of(text);
    if (marker) {
      begin(marker->section, number);
      append(marker->rest);
    } else if (section_ != Section::kNone) {
      append(text);
    } else if (!is_blank(text)) {
      fail(ErrorKind::kInvalidData, "{}:{}: text before the first \"### Instruction:\"; put the marker above it",
           source_, number);
    }
  }

  std::vector<Row> finish() {
    begin(Section::kInstruction, section_line_);
    return std::move(rows_);
  }

 private:
  void begin(Section next, size_t number) {
    check_order(next, number);
    check_text();
    if (next == Section::kInstruction) {
      if (section_ == Section::kResponse) add_row();
      row_line_ = number;
      instruction_.clear();
      input_.clear();
      response_.clear();
    }
    section_ = next;
    section_line_ = number;
  }

  void check_order(Section next, size_t number) const {
    const bool asks = section_ == Section::kInstruction || section_ == Section::kInput;
    if (next == Section::kInstruction && asks) {
      fail(ErrorKind::kInvalidData, "{}:{}: this instruction has no \"### Response:\"; add one below it", source_,
           row_line_);
    }
    if (next == Section::kResponse && !asks) {
      fail(ErrorKind::kInvalidData,
           "{}:{}: a response without an instruction; put \"### Instruction:\" and its text above", source_, number);
    }
    if (next == Section::kInput && section_ != Section::kInstruction) {
      fail(ErrorKind::kInvalidData,
           "{}:{}: an input that does not follow an instruction; the order is Instruction, Input, "
           "Response",
           source_, number);
    }
  }

  void check_text() const {
    if (section_ == Section::kInstruction && trimmed(instruction_).empty()) {
      fail(ErrorKind::kInvalidData, "{}:{}: the instruction is empty; write its text below the marker", source_,
           section_line_);
    }
    if (section_ == Section::kResponse && trimmed(response_).empty()) {
      fail(ErrorKind::kInvalidData, "{}:{}: the response is empty; write its text below the marker", source_,
           section_line_);
    }
  }

  void add_row() {
    std::string prompt(trimmed(instruction_));
    const std::string_view input = trimmed(input_);
    if (!input.empty()) prompt.append("\n### Input:\n").append(input);
    rows_.push_back({std::move(prompt), std::string(trimmed(response_)), row_line_});
  }

  void append(std::string_view text) {
    std::string& target = section_ == Section::kInstruction ? instruction_
                          : section_ == Section::kInput     ? input_
                                                            : response_;
    target.append(text).append("\n");
  }

  std::string_view source_;
  Section section_ = Section::kNone;
  size_t section_line_ = 0;
  size_t row_line_ = 0;
  std::string instruction_;
  std::string input_;
  std::string response_;
  std::vector<Row> rows_;
};

}  // namespace

TrainingText parse_training_text(std::string_view text, std::string_view source) {
  std::vector<std::string_view> lines = split_lines(text);
  remove_common_indentation(lines);
  TrainingText result;
  result.instructions =
      std::any_of(lines.begin(), lines.end(), [](std::string_view line) { return marker_of(line).has_value(); });
  if (result.instructions) {
    BlockParser parser(source);
    for (size_t i = 0; i < lines.size(); ++i) parser.line(i + 1, lines[i]);
    result.rows = parser.finish();
  } else {
    for (size_t i = 0; i < lines.size(); ++i) {
      if (!is_blank(lines[i])) result.rows.push_back({"", std::string(trimmed(lines[i])), i + 1});
    }
  }
  if (result.rows.empty()) {
    fail(ErrorKind::kInvalidData,
         "{} holds no training text; write blocks of \"### Instruction:\" and \"### Response:\", or one example a line",
         source);
  }
  return result;
}

TrainingText read_training_text(const std::filesystem::path& path, TextEncoding encoding) {
  const platform::MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  return parse_training_text(decode_text(bytes, encoding, path.string()), path.string());
}

}  // namespace patina::train
