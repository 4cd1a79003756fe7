#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "train/evaluation.h"
#include "train/preference.h"

namespace patina::train {

// What one optimizer step did.
struct StepRecord {
  uint64_t step;   // from 1
  uint64_t steps;  // of the whole run
  uint64_t epoch;  // from 1
  uint64_t epochs;
  double loss;                    // before the step, in nats: LossSum::mean()
  PreferenceSum preference = {};  // of the step, where preferences are learned
  double learning_rate;
  double gradient_norm;  // before clipping
  uint64_t tokens;       // that went through the model
  double seconds;

  double tokens_per_second() const { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }
};

// A log of training steps and evaluations: one JSON object a line, each on the disk's way before the next step begins.
class StepLog {
 public:
  // A new log, or one that goes on where a resumed run stopped, after `resumed_step`: what a log there says of later
  // steps, which are made anew, is left out. Throws kIo.
  StepLog(const std::filesystem::path& path, std::optional<uint64_t> resumed_step);
  // Throws kIo, e.g. for a full disk.
  void write(const StepRecord& record);
  void write(const EvaluationRecord& record);

 private:
  void write_line(const std::string& line);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace patina::train
