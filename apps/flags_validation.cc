#include "apps/flags_validation.h"

#include <fmt/format.h>

#include "base/error.h"

namespace patina::apps {

void ValidationFlags::check() const {
  if (paths.empty() || split == 0) return;
  fail(ErrorKind::kInvalidArgument, "give the rows to measure either by --val-data or by --val-split");
}

std::unique_ptr<train::RowData> ValidationFlags::rows(const DataFlags& how, train::RowData& data,
                                                      const std::shared_ptr<const train::ExampleMaker>& maker,
                                                      uint64_t seed, const LogSink& log) const {
  std::unique_ptr<train::RowData> held;
  if (!paths.empty()) {
    DataFlags own = how;
    own.paths = paths;
    held = own.load(own.open(log), maker, log);
  } else if (split > 0) {
    held = data.hold_out(split, seed);
  } else {
    return nullptr;
  }
  patina::log(log, LogLevel::kInfo,
              fmt::format("{} row{} with {} tokens to learn are only measured", held->size(),
                          held->size() == 1 ? "" : "s", held->totals().loss_tokens));
  return held;
}

void add_validation_flags(FlagGroup& group, ValidationFlags& flags) {
  group.add_repeatable(
      "--val-data", flags.paths, "FILE",
      "rows that are measured before, while and after training, not learned;\na file or folder, repeatable");
  group.add("--val-split", flags.split, "X", "measure this share of --train-data instead, chosen by the seed")
      .hide_default()
      .share();
}

}  // namespace patina::apps
