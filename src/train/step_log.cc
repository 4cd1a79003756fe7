#include "train/step_log.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "platform/atomic_file.h"

namespace patina::train {

namespace {

// The lines of a log, up to a step, that are whole.
std::string lines_up_to(const std::filesystem::path& path, uint64_t step) {
  std::ifstream file(path);
  std::string kept;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_unsigned()) continue;
    if (json["step"].get<uint64_t>() <= step) kept.append(line).append("\n");
  }
  return kept;
}

void add_preference(nlohmann::ordered_json& line, const PreferenceSum& sum) {
  if (sum.pairs == 0) return;
  line["margin"] = sum.mean_margin();
  line["preferred"] = sum.share_preferred();
}

}  // namespace

StepLog::StepLog(const std::filesystem::path& path, std::optional<uint64_t> resumed_step) : path_(path) {
  if (resumed_step) platform::write_file_atomically(path, lines_up_to(path, *resumed_step));
  file_.open(path, resumed_step ? std::ios::app : std::ios::trunc);
  if (!file_) fail(ErrorKind::kIo, "cannot write the log {}; check the folder and its permissions", path.string());
}

void StepLog::write(const StepRecord& record) {
  nlohmann::ordered_json line = {{"step", record.step},
                                 {"epoch", record.epoch},
                                 {"loss", record.loss},
                                 {"learning_rate", record.learning_rate},
                                 {"gradient_norm", record.gradient_norm},
                                 {"tokens", record.tokens},
                                 {"seconds", record.seconds},
                                 {"tokens_per_second", record.tokens_per_second()}};
  add_preference(line, record.preference);
  write_line(line.dump());
}

void StepLog::write(const EvaluationRecord& record) {
  nlohmann::ordered_json line = {{"step", record.step}, {"epoch", record.epoch}, {"eval_loss", record.loss}};
  if (record.preference.pairs == 0) line["eval_perplexity"] = record.perplexity();
  line["eval_tokens"] = record.tokens;
  line["best"] = record.best;
  line["seconds"] = record.seconds;
  add_preference(line, record.preference);
  write_line(line.dump());
}

void StepLog::write_line(const std::string& line) {
  file_ << line << '\n' << std::flush;
  if (!file_) fail(ErrorKind::kIo, "cannot write the log {}; is the disk full?", path_.string());
}

}  // namespace patina::train
