#pragma once

#include <optional>
#include <string>

#include "apps/command_line.h"
#include "train/run.h"

namespace patina::apps {

// When a run is measured as it learns.
void add_evaluation_flags(FlagGroup& group, train::TrainOptions& options);

// When a run is saved, and whether it goes on from a save.
struct SavingFlags {
  std::optional<double> minutes;
  std::string resume;  // empty, "on" or "auto"

  // Sets what follows from them for a run with these files.
  void resolve(const train::RunFiles& files, train::TrainOptions& options) const;
};
void add_saving_flags(FlagGroup& group, SavingFlags& flags, train::TrainOptions& options);

}  // namespace patina::apps
