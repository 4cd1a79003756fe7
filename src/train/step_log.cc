#include "train/step_log.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace patina::train {

StepLog::StepLog(const std::filesystem::path& path, bool resume)
    : path_(path), file_(path, resume ? std::ios::app : std::ios::trunc) {
  if (!file_) fail(ErrorKind::kIo, "cannot write the log {}; check the folder and its permissions", path.string());
}

void StepLog::write(const StepRecord& record) {
  const nlohmann::ordered_json line = {{"step", record.step},
                                       {"epoch", record.epoch},
                                       {"loss", record.loss},
                                       {"learning_rate", record.learning_rate},
                                       {"gradient_norm", record.gradient_norm},
                                       {"tokens", record.tokens},
                                       {"seconds", record.seconds},
                                       {"tokens_per_second", record.tokens_per_second()}};
  file_ << line.dump() << '\n' << std::flush;
  if (!file_) fail(ErrorKind::kIo, "cannot write the log {}; is the disk full?", path_.string());
}

}  // namespace patina::train
