#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/flag_file.h"
#include "base/log.h"
#include "engine/runtime.h"
#include "train/data/row_data.h"
#include "train/html_report.h"
#include "train/trainer.h"

// What finetune tells the user before, during and after a run.
namespace patina::apps {

// What a run is about, for the reports.
struct FinetuneSubject {
  train::TrainOptions options;
  train::RunFiles files;
  std::string rows;   // describe_rows()
  train::Row sample;  // the first
  std::filesystem::path model;
  std::string program;             // as the user typed it: "./finetune"
  std::vector<FileFlag> settings;  // every flag and its value
};

// As a shell reads it back, in quotes where it needs them.
std::string shell_word(std::string_view text);

// What is coming: rows, tokens, steps, time, memory, the adapter's size, and the hint as a warning.
void log_plan(const train::Plan& plan, const FinetuneSubject& subject, const LogSink& log);

// Shows each step: on a terminal by one line that is written over, else by a line from time to time.
class ProgressReport {
 public:
  ProgressReport(bool quiet, const LogSink& log);
  void show(const train::StepRecord& record, double seconds_left);
  // Ends the line on the terminal.
  void finish();

 private:
  bool terminal_;
  std::vector<double> losses_;
  const LogSink& log_;
  bool open_ = false;
};

// "120 questions, 3 conversations".
std::string describe_rows(const train::RowData& data);

// The likeliest answer to the first tokens of the row's example: those before its first answer, or its first third.
std::string sample_answer(const engine::Runtime& runtime, const train::Example& example, const train::Row& row);

// The page beside the adapter that shows a run that has ended (train::html_report()). Throws kIo.
void write_html_report(const train::TrainResult& result, const std::string& answer_before,
                       const std::string& answer_after, std::vector<train::ReportSample> samples,
                       const FinetuneSubject& subject);

// To stdout: the rows' losses, the sample answers and the commands that use the adapter.
void print_result(const train::TrainResult& result, const std::string& answer_before, const std::string& answer_after,
                  const FinetuneSubject& subject);

}  // namespace patina::apps
