#pragma once

#include <filesystem>
#include <string>

#include "apps/command_line.h"
#include "train/data/training_text.h"

namespace patina::apps {

// A file of rows to learn from or to measure with, and --encoding.
struct DataFlags {
  std::filesystem::path path;
  std::string encoding = "auto";

  // Throws kInvalidArgument for an unknown encoding, and what read_training_text() does.
  train::TrainingText read() const;
};
// `name`: of the flag for the file.
void add_data_flags(FlagGroup& group, DataFlags& flags, const std::string& name, const std::string& description);

}  // namespace patina::apps
