#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapter/attachment.h"
#include "quant/dtype.h"
#include "train/checkpoint.h"
#include "train/defaults.h"
#include "train/evaluation.h"
#include "train/parameters.h"
#include "train/preference.h"
#include "train/schedule.h"
#include "train/step_log.h"

// What a run is told, what it is going to be, and what it tells.
namespace patina::train {

// The files of a run, side by side.
struct RunFiles {
  std::filesystem::path adapter;

  std::filesystem::path checkpoint() const { return std::filesystem::path(adapter) += ".checkpoint"; }
  // Of the evaluation with the least loss.
  std::filesystem::path best_adapter() const { return std::filesystem::path(adapter) += ".best.gguf"; }
  std::filesystem::path best_checkpoint() const { return std::filesystem::path(adapter) += ".best.checkpoint"; }
  std::filesystem::path report() const { return std::filesystem::path(adapter) += ".html"; }
  // Every flag of the run, for --config.
  std::filesystem::path config() const { return std::filesystem::path(adapter) += ".toml"; }
  std::filesystem::path log() const { return std::filesystem::path(adapter) += ".log.jsonl"; }
};

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  double minimum = 0;  // learning rate
  uint64_t cycles = 1;
  double decay_share = 0.1;
};

struct TrainOptions {
  uint64_t epochs = 0;        // 0: default_epochs()
  uint64_t batch_size = 8;    // batch_size * accumulation examples make one optimizer step; how many of them go through
  uint64_t accumulation = 1;  // the model at once is the trainer's choice and does not change the result's meaning
  std::optional<double> learning_rate;  // usual_learning_rate()
  std::optional<uint64_t> warmup;       // steps; default_warmup()
  std::optional<double> warmup_ratio;   // in the place of that: a share of all steps
  ScheduleOptions schedule;
  ParameterOptions parameters;
  LossOptions loss;
  double max_gradient_norm = 1;  // 0: gradients are not clipped
  float noise = 0;               // adapter::EmbeddingNoise::alpha, 0 or more
  float dropout = 0;             // of the adapters' inputs, 0 to below 1
  std::string init = "lora";     // how the adapter begins: only a setting that a resumed run must share
  uint64_t seed = 1;             // of the examples' order and of dropout
  bool shuffle = true;           // each epoch has an order of its own, else that of the data
  uint64_t max_steps = 0;        // the run ends after so many; 0: no limit
  double max_seconds = 0;        // the run ends when so many have passed since run(); 0: no limit
  uint64_t max_memory = 0;       // bytes of the whole process to stay within; 0: what the system has available
  uint64_t save_every = 0;       // epochs between saves, 0: none; besides, at the end and when stopped
  uint64_t save_steps = 0;       // steps between saves, 0: none
  double save_seconds = 600;     // a run that is killed loses no more than this
  uint64_t keep = 2;             // checkpoints
  uint64_t eval_every = 0;       // steps between evaluations; 0: at the ends of epochs; besides, at the end
  uint64_t patience = 0;         // the run ends after so many evaluations without a better one; 0: it does not
  quant::DType adapter_type = quant::DType::kF16;
  bool resume = false;  // go on from the checkpoint
};

// What a run is going to be.
struct Plan {
  Amount amount;
  uint64_t epochs;
  uint64_t steps;       // of the whole run
  uint64_t steps_done;  // by the run that is resumed
  uint64_t epoch_tokens;
  uint64_t epoch_loss_tokens;
  double learning_rate;
  uint64_t warmup;
  uint64_t parameters;
  uint64_t memory_bytes;           // of the whole process, about
  bool recompute_blocks;           // for lack of memory, at the cost of a second forward pass
  double seconds;                  // of the steps that are left, about
  std::string hint;                // learning_hint(), may be empty
  std::vector<std::string> notes;  // of the checkpoint that is resumed: what was damaged
};

// One row's loss without the adapter and with the trained one.
struct RowLoss {
  std::string place;
  double before;
  double after;
};

// What training with others took.
struct TeamUse {
  double bytes_a_step;  // of gradients that each process handed over to be summed
  double share_waited;  // of the run's time, with nothing else to do than wait for sums of gradients
};

struct TrainResult {
  bool finished;              // else it was stopped, and resume goes on
  bool out_of_time;           // finished by max_seconds, before all steps
  bool out_of_patience;       // or because the evaluations got no better
  BestSoFar best;             // where there were evaluations
  uint64_t steps;             // done altogether
  TeamUse team;               // nothing where there is none
  std::vector<RowLoss> rows;  // the first few; only of a finished run
};

// Asked and told on the thread that runs; all may be empty.
struct TrainObserver {
  // NOLINTBEGIN(readability-redundant-member-init): g++ warns without them where a list leaves one out
  std::function<void(const StepRecord& record, double seconds_left)> on_step = {};
  std::function<void(const EvaluationRecord& record)> on_evaluation = {};
  // Before the first step and at each evaluation's time, also where there are no rows for it, with the adapters that
  // the model acts with now.
  std::function<void(uint64_t step, const adapter::Attachment& adapters)> on_sampling = {};
  std::function<void(const std::string& warning)> on_warning = {};
  std::function<void()> on_save = {};
  std::function<bool()> stop = {};  // true: save and return, soon
  // NOLINTEND(readability-redundant-member-init)
};

// Throws kInvalidArgument, with a sentence that names the flag, for options out of range.
void check_options(const TrainOptions& options);

// default_learning_rate() of a run.
double usual_learning_rate(const TrainOptions& options, uint64_t base_weights);

// The learning rate of a run of so many steps on a model of so many weights.
Schedule make_schedule(const TrainOptions& options, uint64_t steps, uint64_t base_weights);

// What decides the course of a run besides its base, data and adapter, as flags and values.
std::vector<Setting> settings_of(const TrainOptions& options, const Schedule& schedule);

}  // namespace patina::train
