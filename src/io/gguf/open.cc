#include "io/gguf/open.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/gguf/format.h"
#include "io/gguf/parser.h"
#include "io/mapped_model.h"

namespace patina::io {

namespace {

namespace fs = std::filesystem;

// "NAME-00002-of-00003.gguf", taken apart.
struct SplitName {
  std::string stem;       // NAME
  uint64_t number;        // 2
  uint64_t count;         // 3
  std::string extension;  // ".gguf"

  fs::path part(const fs::path& folder, uint64_t n) const {
    return folder / fmt::format("{}-{:05}-of-{:05}{}", stem, n, count, extension);
  }
};

std::optional<uint64_t> parse_five_digits(std::string_view text) {
  uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

std::optional<SplitName> parse_split_name(const fs::path& path) {
  constexpr std::string_view kForm = "-00001-of-00003";
  const std::string stem = path.stem().string();
  if (stem.size() < kForm.size()) return std::nullopt;
  const std::string_view suffix = std::string_view(stem).substr(stem.size() - kForm.size());
  const auto number = parse_five_digits(suffix.substr(1, 5));
  const auto count = parse_five_digits(suffix.substr(10, 5));
  if (suffix[0] != '-' || suffix.substr(6, 4) != "-of-" || !number.has_value() || !count.has_value()) {
    return std::nullopt;
  }
  return SplitName{stem.substr(0, stem.size() - kForm.size()), *number, *count, path.extension().string()};
}

uint64_t split_count(const Metadata& metadata) { return metadata.get_uint(gguf::kSplitCountKey, 0); }

// The name of a part, checked against what the file says of itself.
SplitName require_split_name(const fs::path& path, const Metadata& metadata) {
  const uint64_t count = split_count(metadata);
  const uint64_t number = metadata.get_uint(gguf::kSplitNumberKey) + 1;
  const std::optional<SplitName> name = parse_split_name(path);
  if (!name.has_value() || name->count != count || name->number != number) {
    fail(ErrorKind::kInvalidData,
         "{} is part {} of a model in {} parts, so its name must end in -{:05}-of-{:05}.gguf for the others to be "
         "found; give the parts their original names",
         path.string(), number, count, number, count);
  }
  return *name;
}

// `named` is the part that the user named.
platform::MappedFile open_part(const fs::path& path, const fs::path& named) {
  try {
    return platform::MappedFile(path);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
    fail(ErrorKind::kNotFound, "{} is one part of a split model, and the part {} is missing; put it beside the others",
         named.string(), path.filename().string());
  }
}

void check_part(const fs::path& path, const Metadata& metadata, uint64_t number, uint64_t count) {
  if (split_count(metadata) != count || metadata.get_uint(gguf::kSplitNumberKey, count) != number - 1) {
    fail(ErrorKind::kInvalidData, "{} is not part {} of a model in {} parts as its name says; download it again",
         path.string(), number, count);
  }
}

void check_tensor_count(const Metadata& metadata, uint64_t found, const fs::path& first) {
  const uint64_t announced = metadata.get_uint(gguf::kSplitTensorsKey, found);
  if (announced != found) {
    fail(ErrorKind::kInvalidData,
         "{} announces {} tensors, but all parts together hold {}; they do not belong together", first.string(),
         announced, found);
  }
}

// `metadata` is that of the part that was named. It is opened again with the others: a mapping costs next to nothing.
std::unique_ptr<ModelFile> open_split(const fs::path& path, const Metadata& metadata) {
  const SplitName name = require_split_name(path, metadata);
  const fs::path folder = path.parent_path();
  std::vector<platform::MappedFile> parts;
  ParsedFile whole;
  for (uint64_t number = 1; number <= name.count; ++number) {
    const fs::path part_path = name.part(folder, number);
    parts.push_back(open_part(part_path, path));
    ParsedFile part = parse_gguf(parts.back().bytes(), part_path.string());
    check_part(part_path, part.metadata, number, name.count);
    std::ranges::move(part.tensors, std::back_inserter(whole.tensors));
    if (number == 1) whole.metadata = std::move(part.metadata);
  }
  const fs::path first = name.part(folder, 1);
  check_tensor_count(whole.metadata, whole.tensors.size(), first);
  for (const char* key : {gguf::kSplitNumberKey, gguf::kSplitCountKey, gguf::kSplitTensorsKey})
    whole.metadata.erase(key);
  return std::make_unique<MappedModel>(FileForm::kGguf, first, std::move(parts), std::move(whole));
}

}  // namespace

std::unique_ptr<ModelFile> open_gguf(const fs::path& path, platform::MappedFile file) {
  ParsedFile contents = parse_gguf(file.bytes(), path.string());
  if (split_count(contents.metadata) > 1) return open_split(path, contents.metadata);
  std::vector<platform::MappedFile> parts;
  parts.push_back(std::move(file));
  return std::make_unique<MappedModel>(FileForm::kGguf, path, std::move(parts), std::move(contents));
}

}  // namespace patina::io
