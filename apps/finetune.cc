#include <fmt/format.h>

#include <algorithm>
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
#include "apps/finetune_team.h"
#include "apps/flags_data.h"
#include "apps/flags_model.h"
#include "apps/flags_saving.h"
#include "apps/flags_training.h"
#include "apps/flags_validation.h"
#include "apps/old_finetune_flags.h"
#include "apps/row_loss.h"
#include "apps/run_observer.h"
#include "base/error.h"
#include "engine/runtime.h"
#include "platform/atomic_file.h"
#include "platform/memory.h"
#include "platform/signals.h"
#include "train/data/row_data.h"
#include "train/trainer.h"

namespace patina::apps {

namespace {

namespace fs = std::filesystem;

// More processes end unexpectedly more often, and may end the first one before it can save.
constexpr double kTeamSaveSeconds = 60;

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
  SavingFlags saving;
  WatchOptions watch;
};

void add_watch_flags(FlagGroup group, WatchOptions& watch) {
  group.add_repeatable("--sample-prompt", watch.sample_prompts, "TEXT",
                       "show the likeliest answer to it at every measurement; repeatable");
  group.add("--tensorboard", watch.tensorboard, "FOLDER", "write events that TensorBoard shows");
}

void add_file_flags(CommandLine& line, FinetuneFlags& flags) {
  FlagGroup group = line.group("Files");
  add_data_flags(group, flags.data, "--train-data", "the text to learn");
  group.add("--save-path", flags.save_path, "FILE", "where the adapter goes (default lora-adapter.gguf)");
  group.add("--outdir", flags.out_folder, "FOLDER", "the adapter's folder, made where it is not there");
  group.add("--lora-out", flags.lora_out, "FILE", "the adapter's name in that folder");
  add_saving_flags(group, flags.saving, flags.training.options);
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
  for (const fs::path& output : {files.adapter, files.checkpoint(), files.log(), files.report(), files.config(),
                                 files.best_adapter(), files.best_checkpoint()}) {
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

engine::RuntimeOptions runtime_options(const FinetuneFlags& flags, const FinetuneTeam& team) {
  engine::RuntimeOptions options;
  options.model = flags.model.path;
  options.hints = flags.model.hints;
  options.threads = team.threads(flags.compute.threads);
  options.precise = flags.compute.precise;
  options.context = flags.context.size;
  options.chat_template = flags.data.chat_template;
  options.sketch = false;  // the memory is for training
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

// With what was chosen where the user said nothing, and without what belongs to one call.
std::vector<FileFlag> resolved(std::vector<FileFlag> flags, const train::Plan& plan) {
  const std::vector<FileFlag> chosen = {{"epochs", {std::to_string(plan.epochs)}, 0},
                                        {"learning-rate", {fmt::format("{}", plan.learning_rate)}, 0},
                                        {"warmup", {std::to_string(plan.warmup)}, 0}};
  std::erase_if(flags, [&](const FileFlag& flag) {
    return flag.name == "resume" || flag.name == "warmup-ratio" || flag.name == "verbose" || flag.name == "quiet" ||
           std::ranges::any_of(chosen, [&](const FileFlag& other) { return other.name == flag.name; });
  });
  flags.insert(flags.end(), chosen.begin(), chosen.end());
  return flags;
}

int report_stop(const train::TrainResult& result, const Invocation& call, bool alone, const LogSink& log) {
  if (result.steps == 0) {
    patina::log(log, LogLevel::kWarning, "stopped before the first step; nothing was saved");
  } else if (!alone) {
    patina::log(
        log, LogLevel::kWarning,
        fmt::format("the run was stopped or another process of it has ended; saved after step {}. To go on, give "
                    "the same command with --resume auto",
                    result.steps));
  } else {
    std::string command = call.program;
    bool after_resume = false;
    for (const std::string& word : call.arguments) {
      const bool is_resume = word.starts_with("--resume") || word.starts_with("-resume");
      if (!is_resume && !(after_resume && word == "auto")) command.append(" ").append(shell_word(word));
      after_resume = is_resume;
    }
    patina::log(
        log, LogLevel::kWarning,
        fmt::format("stopped after step {}; everything is saved. To go on:  {} --resume", result.steps, command));
  }
  return exit_code(ErrorKind::kInterrupted);
}

void add_flags(CommandLine& line, FinetuneFlags& flags) {
  add_model_flags(line, flags.model);
  add_file_flags(line, flags);
  add_training_flags(line, flags.training);
  FlagGroup measuring = line.group("Measuring");
  add_validation_flags(measuring, flags.validation);
  add_evaluation_flags(measuring, flags.training.options);
  add_watch_flags(line.group("Watching"), flags.watch);
  add_compute_flags(line, flags.compute);
  add_context_flags(line, flags.context);
  line.add_config_flag();
  line.rename(old_finetune_flags());
  line.ignore(old_finetune_flags_without_meaning());
  line.ignore(llama_flags_without_meaning());
}

// Saves every flag beside the adapter, unless that is the very file that they came from.
void save_settings(const CommandLine& line, const FinetuneSubject& subject) {
  const fs::path path = subject.files.config();
  std::error_code error;
  const auto& config = line.config();
  if (config && fs::equivalent(path, *config, error)) return;
  platform::write_file_atomically(path, write_flag_file(subject.settings));
}

// What a run is made of; a bundle of references.
struct Material {
  const engine::Runtime& runtime;
  const train::RowData& data;
  const train::RowData* held;  // rows that are only measured; may be null
  const train::Example& sample;
};

struct Outcome {
  train::TrainResult result;
  std::string answer_before;
  train::LossSum held_before;
  train::LossSum held_after;
  std::vector<train::ReportSample> samples;
};

// Training in the first process, which tells of it.
Outcome lead(train::Trainer& trainer, const Material& material, const FinetuneFlags& flags, const CommandLine& line,
             FinetuneSubject& subject) {
  const engine::Runtime& runtime = material.runtime;
  const train::Plan plan = trainer.plan();
  log_plan(plan, subject, line.log());
  subject.settings = resolved(std::move(subject.settings), plan);
  save_settings(line, subject);
  Outcome outcome;
  outcome.answer_before = sample_answer(runtime, material.sample, subject.sample);
  if (material.held != nullptr) {
    outcome.held_before = measure_rows(runtime, runtime.attachment(), *material.held, line.log(), subject.options.loss);
  }
  const platform::InterruptGuard interrupt;
  RunObserver observer(runtime, flags.watch, line.log());
  outcome.result = trainer.run(observer.hooks([&] { return interrupt.requested(); }));
  observer.finish();
  patina::log(line.log(), LogLevel::kInfo,
              fmt::format("memory: {} MiB at most", platform::peak_resident_memory() >> 20));
  outcome.samples = observer.samples();
  return outcome;
}

// In the others.
Outcome follow(train::Trainer& trainer) {
  const platform::InterruptGuard interrupt;
  Outcome outcome;
  outcome.result = trainer.run({.stop = [&] { return interrupt.requested(); }});
  return outcome;
}

Outcome train_adapter(const Material& material, const FinetuneFlags& flags, const CommandLine& line,
                      ops::Context& context, FinetuneSubject& subject, const FinetuneTeam& team) {
  const StartingAdapter start =
      starting_adapter(flags.training, material.runtime, context, flags.watch.prompt_template, line.log());
  train::Trainer trainer(material.runtime.model(), context, start.adapter, material.data, subject.options,
                         team.first() ? subject.files : train::RunFiles{}, start.subtracted);
  trainer.join(team.members());
  if (material.held != nullptr) trainer.validate_on(*material.held);
  Outcome outcome = team.first() ? lead(trainer, material, flags, line, subject) : follow(trainer);
  team.describe(outcome.result.team, line.log());
  if (!outcome.result.finished) {
    team.give_the_first_time();
    return outcome;
  }
  if (material.held != nullptr) outcome.held_after = trainer.measure(*material.held);
  team.members().leave();
  return outcome;
}

int finetune(const Invocation& call, const FinetuneTeam& team) {
  FinetuneFlags flags;
  CommandLine line(call, "Trains a LoRA adapter for a model on a text. The model's file stays as it is.");
  add_flags(line, flags);
  if (!team.first()) line.mute();
  if (!line.parse()) return kExitSuccess;
  const train::RunFiles files{adapter_path(flags)};
  flags.training.resolve();
  flags.data.rejected = flags.training.preference != "sft";
  if (!team.alone()) flags.training.options.save_seconds = kTeamSaveSeconds;
  if (team.first()) flags.saving.resolve(files, flags.training.options);
  protect_inputs(files, flags);
  flags.validation.check();
  const auto source = flags.data.open(line.log());
  engine::RuntimeOptions options = runtime_options(flags, team);
  team.describe(options.threads, line.log());
  auto runtime = engine::Runtime::open(options, line.log());
  const auto maker = flags.data.maker(*runtime);
  const auto data = flags.data.load(source, maker, line.log());
  const auto held = flags.validation.rows(flags.data, *data, maker, flags.training.options.seed, line.log());
  flags.training.choose_objective(*data, held.get(), line.log());
  const train::Example sample = sample_example(*data, *runtime, maker->options().chat);
  FinetuneSubject subject{.options = flags.training.options,
                          .files = files,
                          .rows = describe_rows(*data),
                          .sample = data->row(0),
                          .model = flags.model.path,
                          .program = call.program,
                          .settings = line.values()};
  if (team.first()) make_folder(flags.out_folder);
  flags.watch.prompt_template = prompt_template(*data, maker->options().chat);
  flags.watch.quiet = line.quiet();
  tensor::BufferPool buffers;
  ops::Context context = runtime->make_context(buffers);
  const Outcome outcome = train_adapter({*runtime, *data, held.get(), sample}, flags, line, context, subject, team);
  if (!outcome.result.finished) return report_stop(outcome.result, call, team.alone(), line.log());
  if (!team.first()) return kExitSuccess;
  // The sample answer comes from the saved file, as the user will have it.
  runtime.reset();
  buffers.trim();
  options.adapters.push_back({files.adapter});
  runtime = engine::Runtime::open(options, {});
  const std::string after = sample_answer(*runtime, sample, subject.sample);
  write_html_report(outcome.result, outcome.answer_before, after, outcome.samples, subject);
  print_result(outcome.result, outcome.answer_before, after, subject);
  if (held) {
    fmt::print("loss of the measured rows: {:.4f} -> {:.4f}\n", outcome.held_before.mean(), outcome.held_after.mean());
    const train::PreferenceSum& preference = outcome.held_after.preference;
    if (preference.pairs > 0) {
      fmt::print("the chosen answer is preferred in {} of {} rows\n", preference.preferred, preference.pairs);
    }
  }
  return kExitSuccess;
}

}  // namespace

int run_finetune(const Invocation& call) {
  const platform::BrokenPipeGuard broken_pipe;  // training goes on where nobody reads what is said of it
  return run_in_team([&](const FinetuneTeam& team) { return finetune(call, team); });
}

}  // namespace patina::apps
