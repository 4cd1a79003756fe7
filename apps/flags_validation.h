#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/flags_data.h"
#include "base/log.h"
#include "engine/runtime.h"
#include "train/data/row_data.h"

namespace patina::apps {

// --val-data and --val-split: rows that are not trained on but measured.
struct ValidationFlags {
  std::vector<std::string> paths;
  double split = 0;

  // Throws kInvalidArgument where both are given.
  void check() const;
  // Rows of the paths, read as `how` says, or a share held out of `data`, chosen by the seed; null where neither flag
  // is given. Throws as DataFlags::load() and train::RowData::hold_out().
  std::unique_ptr<train::RowData> rows(const DataFlags& how, train::RowData& data,
                                       const std::shared_ptr<const train::ExampleMaker>& maker, uint64_t seed,
                                       const LogSink& log) const;
};
void add_validation_flags(FlagGroup& group, ValidationFlags& flags);

}  // namespace patina::apps
