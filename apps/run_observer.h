#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/finetune_report.h"
#include "engine/runtime.h"
#include "train/event_file.h"
#include "train/html_report.h"
#include "train/run.h"

namespace patina::apps {

// What shall be seen of a run as it goes.
struct WatchOptions {
  std::vector<std::string> sample_prompts;
  std::string prompt_template;                       // that these are put into; empty: none
  std::optional<std::filesystem::path> tensorboard;  // folder
  bool quiet = false;
};

// Follows a run: shows each step, tells evaluations, warnings and sample answers, writes events for TensorBoard. Not
// thread safe.
class RunObserver {
 public:
  // Throws kIo for a folder of events that cannot be written.
  RunObserver(const engine::Runtime& runtime, const WatchOptions& options, const LogSink& log);

  // Valid as long as this.
  train::TrainObserver hooks(std::function<bool()> stop);
  // Ends the line on the terminal.
  void finish() { progress_.finish(); }
  const std::vector<train::ReportSample>& samples() const { return samples_; }

 private:
  void on_step(const train::StepRecord& record, double seconds_left);
  void on_evaluation(const train::EvaluationRecord& record);
  void on_sampling(uint64_t step, const adapter::Attachment& adapters);

  const engine::Runtime& runtime_;
  std::vector<std::string> prompts_;
  engine::PromptRules rules_;
  const LogSink& log_;
  ProgressReport progress_;
  std::optional<train::EventFile> events_;
  std::vector<train::ReportSample> samples_;
};

}  // namespace patina::apps
