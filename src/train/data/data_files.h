#pragma once

#include <filesystem>
#include <vector>

#include "base/log.h"

namespace patina::train {

// The files that these paths stand for: each file as it is, each folder by the files in it whose names end as training
// text does (.txt, .md, .json, .jsonl, .ndjson, .csv, .tsv), sorted by name, with a notice of those left out. Throws
// kNotFound, kIo, and kInvalidData for a folder without any.
std::vector<std::filesystem::path> data_files(const std::vector<std::filesystem::path>& paths, const LogSink& log);

}  // namespace patina::train
