#include "train/data/data_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace patina::train {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kExtensions = {".txt", ".md", ".json", ".jsonl", ".ndjson", ".csv", ".tsv"};

std::vector<fs::path> files_in(const fs::path& folder, const LogSink& log) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (!fs::is_regular_file(path)) continue;
    if (std::ranges::find(kExtensions, path.extension().string()) != kExtensions.end()) {
      files.push_back(path);
    } else {
      patina::log(log, LogLevel::kInfo, fmt::format("{} is no training text by its name; left out", path.string()));
    }
  }
  if (error) fail(ErrorKind::kIo, "cannot read the folder {}: {}", folder.string(), error.message());
  if (files.empty()) {
    fail(ErrorKind::kInvalidData, "there is no training text in {}; files named {} are taken", folder.string(),
         fmt::join(kExtensions, ", "));
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::vector<fs::path> data_files(const std::vector<fs::path>& paths, const LogSink& log) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    const std::vector<fs::path> found = files_in(path, log);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace patina::train
