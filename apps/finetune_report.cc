#include "apps/finetune_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

#include "apps/console.h"
#include "engine/generator.h"
#include "platform/atomic_file.h"
#include "platform/memory.h"
#include "train/duration.h"
#include "train/progress.h"

namespace patina::apps {

namespace {

size_t terminal_columns() {
  constexpr size_t kUsual = 80;
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

std::string size_text(uint64_t bytes) {
  const auto mebibytes = static_cast<double>(bytes) * 0x1p-20;
  return mebibytes < 1024 ? fmt::format("{:.1f} MiB", mebibytes) : fmt::format("{:.1f} GiB", mebibytes / 1024);
}

// As a user would type it: what comes before the first answer, or the text.
const std::string& sample_prompt(const train::Row& row) {
  const auto answer = std::ranges::find(row.turns, "assistant", &tokenizer::ChatMessage::role);
  return answer == row.turns.begin() ? answer->content : std::prev(answer)->content;
}

// Another command of the program, typed as this one was.
std::string sibling(std::string program, std::string_view command) {
  constexpr std::string_view kOwn = "finetune";
  const size_t at = program.rfind(kOwn);
  if (at == std::string::npos) return fmt::format("patina {}", command);
  return program.replace(at, kOwn.size(), command);
}

// That use the adapter.
std::vector<std::string> commands(const FinetuneSubject& subject) {
  const std::string files =
      fmt::format("-m {} --lora {}", shell_word(subject.model.string()), shell_word(subject.files.adapter.string()));
  return {
      fmt::format("{} {} -p {}", sibling(subject.program, "main"), files, shell_word(sample_prompt(subject.sample))),
      fmt::format("{} {} --port 8080", sibling(subject.program, "server"), files)};
}

}  // namespace

std::string shell_word(std::string_view text) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+@%";
  if (!text.empty() && text.find_first_not_of(kSafe) == std::string_view::npos) return std::string(text);
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

void log_plan(const train::Plan& plan, const FinetuneSubject& subject, const LogSink& log) {
  const auto info = [&](const std::string& text) { patina::log(log, LogLevel::kInfo, text); };
  info(fmt::format("training text: {}, {} tokens, {} of them to be learned", subject.rows, plan.epoch_tokens,
                   plan.epoch_loss_tokens));
  info(fmt::format("{} epochs{} in {} optimizer steps of up to {} rows, learning rate {:g}, {} steps of warm-up",
                   plan.epochs, subject.options.epochs == 0 ? " (chosen by the amount of text)" : "", plan.steps,
                   std::min(plan.amount.rows, plan.amount.rows_per_step), plan.learning_rate, plan.warmup));
  const bool half = subject.options.adapter_type == quant::DType::kF16;
  info(fmt::format("adapter: {} numbers, {} in {}", plan.parameters, size_text(plan.parameters * (half ? 2 : 4)),
                   subject.files.adapter.string()));
  info(fmt::format("this will take about {} and {} of memory{}", train::duration_text(plan.seconds),
                   size_text(plan.memory_bytes),
                   plan.recompute_blocks ? ", with every block computed twice to need no more" : ""));
  if (plan.steps_done > 0) info(fmt::format("resuming after step {}", plan.steps_done));
  for (const std::string& note : plan.notes) patina::log(log, LogLevel::kWarning, note);
  if (!plan.hint.empty()) patina::log(log, LogLevel::kWarning, plan.hint);
}

ProgressReport::ProgressReport(bool quiet, const LogSink& log)
    : terminal_(!quiet && isatty(STDERR_FILENO) != 0), log_(log) {}

void ProgressReport::show(const train::StepRecord& record, double seconds_left) {
  constexpr std::string_view kClearToEnd = "\x1B[K";
  constexpr uint64_t kLines = 20;  // of a run, where they cannot be written over
  if (terminal_) {
    losses_.push_back(record.loss);
    const std::string line = train::progress_line(record, seconds_left, terminal_columns() - 1,
                                                  {.losses = losses_, .memory_bytes = platform::resident_memory()});
    write_stderr(fmt::format("\r{}{}", line, kClearToEnd));
    std::fflush(stderr);
    open_ = true;
    return;
  }
  const uint64_t every = std::max<uint64_t>(record.steps / kLines, 1);
  if (record.step % every != 0 && record.step != record.steps) return;
  constexpr size_t kColumns = 200;
  patina::log(log_, LogLevel::kInfo, train::progress_line(record, seconds_left, kColumns));
}

void ProgressReport::finish() {
  if (open_) write_stderr("\n");
  open_ = false;
}

std::string describe_rows(const train::RowData& data) {
  constexpr std::array<std::array<std::string_view, 2>, 3> kNames = {
      {{"plain text", "plain texts"}, {"question", "questions"}, {"conversation", "conversations"}}};
  if (data.preferences() == data.size()) {
    return fmt::format("{} preference{}", data.size(), data.size() == 1 ? "" : "s");
  }
  std::vector<std::string> parts;
  for (const train::RowKind kind : {train::RowKind::kQuestion, train::RowKind::kChat, train::RowKind::kText}) {
    const size_t count = data.count(kind);
    if (count > 0) parts.push_back(fmt::format("{} {}", count, kNames[static_cast<size_t>(kind)][count == 1 ? 0 : 1]));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string sample_answer(const engine::Runtime& runtime, const train::Example& example, const train::Row& row) {
  constexpr size_t kRoom = 32;  // for an answer that is not the trained one
  constexpr size_t kMost = 256;
  const size_t count =
      row.kind != train::RowKind::kText ? example.loss.front().begin : std::max<size_t>(example.tokens.size() / 3, 1);
  engine::GenerationParams params;
  params.sampling.temperature = 0;
  params.max_tokens = static_cast<int64_t>(std::min(example.tokens.size() - count + kRoom, kMost));
  if (static_cast<int64_t>(count) + params.max_tokens > runtime.context_length()) params.max_tokens = -1;
  std::string answer;
  engine::Generator generator(runtime);
  generator.generate(std::span(example.tokens).first(count), params, [&](std::string_view text) { answer += text; });
  return answer;
}

void write_html_report(const train::TrainResult& result, const std::string& answer_before,
                       const std::string& answer_after, std::vector<train::ReportSample> samples,
                       const FinetuneSubject& subject) {
  train::ReportContents contents;
  contents.title = fmt::format("Training of {}", subject.files.adapter.filename().string());
  contents.history = train::read_history(subject.files.log());
  contents.results = {{"model", subject.model.string()},
                      {"adapter", subject.files.adapter.string()},
                      {"rows", subject.rows},
                      {"steps", std::to_string(result.steps)}};
  if (result.best.step > 0) {
    contents.results.push_back(
        {"least loss of the rows kept apart", fmt::format("{:.4f} after step {}", result.best.loss, result.best.step)});
  }
  for (const train::RowLoss& row : result.rows) {
    contents.results.push_back(
        {"loss of " + row.place, fmt::format("{:.4f} before, {:.4f} after", row.before, row.after)});
  }
  const std::string& prompt = sample_prompt(subject.sample);
  contents.samples = std::move(samples);
  contents.samples.insert(contents.samples.begin(), {"before", prompt, answer_before});
  contents.samples.push_back({"after", prompt, answer_after});
  for (const FileFlag& flag : subject.settings) {
    contents.settings.push_back({"--" + flag.name, fmt::format("{}", fmt::join(flag.values, ", "))});
  }
  contents.commands = commands(subject);
  platform::write_file_atomically(subject.files.report(), train::html_report(contents));
}

void print_result(const train::TrainResult& result, const std::string& answer_before, const std::string& answer_after,
                  const FinetuneSubject& subject) {
  if (result.best.step > 0) {
    fmt::print("least loss of the rows kept apart: {:.4f} after step {}, in {}\n", result.best.loss, result.best.step,
               subject.files.best_adapter().string());
  }
  if (result.out_of_patience) fmt::print("the run has ended after {} steps, as it got no better\n", result.steps);
  if (result.out_of_time) fmt::print("the time is up after {} steps; --resume goes on\n", result.steps);
  fmt::print("loss of the first rows, before and after:\n");
  for (const train::RowLoss& row : result.rows) {
    fmt::print("  {:<20} {:8.4f} -> {:.4f}\n", row.place, row.before, row.after);
  }
  const std::string& prompt = sample_prompt(subject.sample);
  fmt::print("sample: {}\n  before: {}\n  after:  {}\n", prompt, answer_before, answer_after);
  if (answer_before == answer_after) {
    fmt::print(
        "The answer has not changed: the adapter has learned too little. Try more --epochs or a higher "
        "--learning-rate.\n");
  }
  fmt::print("The adapter is in {}, the report of the run in {}. Use it:\n", subject.files.adapter.string(),
             subject.files.report().string());
  for (const std::string& command : commands(subject)) fmt::print("  {}\n", command);
}

}  // namespace patina::apps
