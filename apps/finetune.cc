#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/finetune_report.h"
#include "apps/flags_data.h"
#include "apps/flags_model.h"
#include "apps/flags_training.h"
#include "apps/flags_validation.h"
#include "apps/row_loss.h"
#include "base/error.h"
#include "engine/runtime.h"
#include "platform/signals.h"
#include "train/data/row_data.h"
#include "train/trainer.h"

namespace patina::apps {

namespace {

namespace fs = std::filesystem;

struct FinetuneFlags {
  ModelFlags model;
  ComputeFlags compute;
  ContextFlags context;
  DataFlags data;
  ValidationFlags validation;
  std::optional<fs::path> save_path;
  std::optional<fs::path> out_folder;
  std::optional<fs::path> lora_out;
  TrainingFlags training;
};

void add_file_flags(CommandLine& line, FinetuneFlags& flags) {
  FlagGroup group = line.group("Files");
  add_data_flags(group, flags.data, "--train-data", "the text to learn");
  add_validation_flags(group, flags.validation);
  group.add("--save-path", flags.save_path, "FILE", "where the adapter goes (default lora-adapter.gguf)");
  group.add("--outdir", flags.out_folder, "FOLDER", "the adapter's folder, made where it is not there");
  group.add("--lora-out", flags.lora_out, "FILE", "the adapter's name in that folder");
  group.add("--save-every", flags.training.options.save_every, "N",
            "epochs between saves; besides, every ten minutes, at the end and on Ctrl-C");
  group.add_switch("--resume", flags.training.options.resume,
                   "go on from the last save, to the same adapter as without a break");
}

fs::path adapter_path(const FinetuneFlags& flags) {
  if (flags.save_path && (flags.out_folder || flags.lora_out)) {
    fail(ErrorKind::kInvalidArgument, "give the adapter's place either by --save-path or by --outdir and --lora-out");
  }
  if (flags.save_path) return *flags.save_path;
  return flags.out_folder.value_or(fs::path()) / flags.lora_out.value_or("lora-adapter.gguf");
}

// The adapter, its checkpoint and its log must not take the place of what they are made from.
void protect_inputs(const train::RunFiles& files, const FinetuneFlags& flags) {
  for (const fs::path& output : {files.adapter, files.checkpoint(), files.log()}) {
    std::vector<fs::path> inputs(flags.data.paths.begin(), flags.data.paths.end());
    inputs.insert(inputs.end(), flags.validation.paths.begin(), flags.validation.paths.end());
    inputs.push_back(flags.model.path);
    if (flags.training.init_adapter) inputs.push_back(*flags.training.init_adapter);
    for (const fs::path& input : inputs) {
      std::error_code error;
      if (!fs::equivalent(output, input, error) || error) continue;
      fail(ErrorKind::kInvalidArgument, "{} would be overwritten; choose another place for the adapter",
           input.string());
    }
  }
}

void make_folder(const std::optional<fs::path>& folder) {
  if (!folder) return;
  std::error_code error;
  fs::create_directories(*folder, error);
  if (error) fail(ErrorKind::kIo, "cannot make the folder {}: {}", folder->string(), error.message());
}

engine::RuntimeOptions runtime_options(const FinetuneFlags& flags) {
  engine::RuntimeOptions options;
  options.model = flags.model.path;
  options.hints = flags.model.hints;
  options.threads = flags.compute.threads;
  options.precise = flags.compute.precise;
  options.context = flags.context.size;
  options.chat_template = flags.data.chat_template;
  return options;
}

// The template of the prompts that are learned: that of most rows.
std::string prompt_template(const train::RowData& data, tokenizer::ChatFormat chat) {
  const size_t questions = data.count(train::RowKind::kQuestion);
  const size_t conversations = data.count(train::RowKind::kChat);
  if (questions + conversations == 0) return {};
  return std::string(
      tokenizer::chat_format_name(questions >= conversations ? tokenizer::ChatFormat::kInstruction : chat));
}

// The first row, as a sample; its loss begins with the answer.
train::Example sample_example(const train::RowData& data, const engine::Runtime& runtime, tokenizer::ChatFormat chat) {
  return train::ExampleMaker(runtime.tokenizer(), {.chat = chat}).make(data.row(0));
}

train::TrainResult train_with_progress(train::Trainer& trainer, bool quiet, const LogSink& log) {
  const platform::InterruptGuard interrupt;
  ProgressReport progress(quiet, log);
  train::TrainObserver observer;
  observer.on_step = [&](const train::StepRecord& record, double left) { progress.show(record, left); };
  observer.stop = [&] { return interrupt.requested(); };
  const train::TrainResult result = trainer.run(observer);
  progress.finish();
  return result;
}

int report_stop(const train::TrainResult& result, const Invocation& call, const LogSink& log) {
  if (result.steps == 0) {
    patina::log(log, LogLevel::kWarning, "stopped before the first step; nothing was saved");
  } else {
    std::string command = call.program;
    for (const std::string& word : call.arguments) {
      if (word != "--resume") command.append(" ").append(shell_word(word));
    }
    patina::log(
        log, LogLevel::kWarning,
        fmt::format("stopped after step {}; everything is saved. To go on:  {} --resume", result.steps, command));
  }
  return exit_code(ErrorKind::kInterrupted);
}

}  // namespace

int run_finetune(const Invocation& call) {
  FinetuneFlags flags;
  CommandLine line(call, "Trains a LoRA adapter for a model on a text. The model's file stays as it is.");
  add_model_flags(line, flags.model);
  add_file_flags(line, flags);
  add_training_flags(line, flags.training);
  add_compute_flags(line, flags.compute);
  add_context_flags(line, flags.context);
  if (!line.parse()) return kExitSuccess;
  const train::RunFiles files{adapter_path(flags)};
  flags.training.resolve();
  protect_inputs(files, flags);
  flags.validation.check();
  const auto source = flags.data.open(line.log());
  engine::RuntimeOptions options = runtime_options(flags);
  auto runtime = engine::Runtime::open(options, line.log());
  const auto maker = flags.data.maker(*runtime);
  const auto data = flags.data.load(source, maker, line.log());
  const auto held = flags.validation.rows(flags.data, *data, maker, flags.training.options.seed, line.log());
  const train::Example sample = sample_example(*data, *runtime, maker->options().chat);
  const FinetuneSubject subject{.options = flags.training.options,
                                .files = files,
                                .rows = describe_rows(*data),
                                .sample = data->row(0),
                                .model = flags.model.path,
                                .program = call.program};
  make_folder(flags.out_folder);
  tensor::BufferPool buffers;
  ops::Context context = runtime->make_context(buffers);
  const StartingAdapter start =
      starting_adapter(flags.training, *runtime, context, prompt_template(*data, maker->options().chat), line.log());
  train::TrainResult result;
  std::string before;
  train::LossSum loss_before;
  train::LossSum loss_after;
  {
    train::Trainer trainer(runtime->model(), context, start.adapter, *data, flags.training.options, files,
                           start.subtracted);
    log_plan(trainer.plan(), subject, line.log());
    if (held) loss_before = measure_rows(*runtime, runtime->attachment(), *held, line.log());
    before = sample_answer(*runtime, sample, subject.sample);
    result = train_with_progress(trainer, line.quiet(), line.log());
    if (held && result.finished) loss_after = measure_rows(*runtime, trainer.adapters(), *held, line.log());
  }
  if (!result.finished) return report_stop(result, call, line.log());
  // The sample answer comes from the saved file, as the user will have it.
  runtime.reset();
  buffers.trim();
  options.adapters.push_back({files.adapter});
  runtime = engine::Runtime::open(options, {});
  print_result(result, before, sample_answer(*runtime, sample, subject.sample), subject);
  if (held) fmt::print("loss of the measured rows: {:.4f} -> {:.4f}\n", loss_before.mean(), loss_after.mean());
  return kExitSuccess;
}

}  // namespace patina::apps
